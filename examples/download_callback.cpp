// Downloads a file with plain callbacks, for programs that don't use Asio.
#include <tidewire/core/runtime.hpp>
#include <tidewire/http/curl_client.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <future>
#include <iostream>

using namespace tidewire;

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: download_callback URL FILE\n", 2;
  auto url = http::url::parse(argv[1]);
  if (!url) return std::cerr << url.error().message() << "\n", 2;
  runtime thread;  // give it your GUI's "call this later" to get callbacks on your own thread
  context ctx(thread.get_executor(), rng::from_entropy());
  auto client = http::make_curl_client(ctx);
  auto disk = file::make_posix_filesystem();
  transfer::downloader downloads(ctx, *client, *disk);
  std::promise<int> ended;
  auto done = [&](error_code ec, transfer::download_result result) {
    std::cerr << (ec ? ec.message() + ": " + result.detail : result.path) << "\n";
    ended.set_value(ec ? 1 : 0);
  };
  transfer::download_request request(*url);
  request.to_file(argv[2]);
  downloads.async_download(std::move(request), thread.callback(done));
  auto code = ended.get_future().get();
  thread.stop();
  return code;
}
