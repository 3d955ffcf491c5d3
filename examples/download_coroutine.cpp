// Downloads a file with an Asio coroutine. Run it again after killing it: it goes on.
#include <tidewire/http/curl_client.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <boost/asio.hpp>

#include <iostream>

namespace asio = boost::asio;
using namespace tidewire;

asio::awaitable<void> fetch(transfer::downloader& downloads, http::url url, std::string path) {
  transfer::download_request request(url);
  request.to_file(path).on_progress([](const transfer::download_progress& p) {
    std::cerr << "\r" << p.downloaded_bytes << " bytes";
  });
  auto token = asio::as_tuple(asio::use_awaitable);
  auto [ec, result] = co_await downloads.async_download(std::move(request), token);
  std::cerr << "\n" << (ec ? ec.message() + ": " + result.detail : result.path) << "\n";
}

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: download_coroutine URL FILE\n", 2;
  auto url = http::url::parse(argv[1]);
  if (!url) return std::cerr << url.error().message() << "\n", 2;
  asio::io_context io;
  context ctx(io.get_executor(), rng::from_entropy());
  auto client = http::make_curl_client(ctx);
  auto disk = file::make_posix_filesystem();
  transfer::downloader downloads(ctx, *client, *disk);
  asio::co_spawn(io, fetch(downloads, *url, argv[2]), asio::detached);
  io.run();
}
