#include <tidewire/core/runtime.hpp>
#include <tidewire/http/curl_client.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <iostream>
#include <semaphore>

using namespace tidewire;

int main(int argc, char** argv) {
  auto from = http::url::parse(argc == 3 ? argv[1] : "");
  if (!from) return std::cerr << "usage: download_callback URL FILE\n", 2;
  runtime thread;  // or runtime thread(your GUI's "call this later"): callbacks then come there
  context ctx(thread.get_executor(), rng::from_entropy());
  auto client = http::make_curl_client(ctx);
  auto disk = file::make_posix_filesystem();
  transfer::downloader downloads(ctx, *client, *disk);
  std::binary_semaphore ended(0);
  auto done = [&](error_code ec, transfer::download_result result) {
    std::cout << (ec ? ec.message() + ": " + result.detail : result.path) << "\n";
    ended.release();
  };
  transfer::download_request request(*from);
  downloads.async_download(request.to_file(argv[2]), thread.callback(done));
  ended.acquire();
  thread.stop();
}
