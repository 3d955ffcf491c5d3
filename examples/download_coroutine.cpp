#include <tidewire/http/curl_client.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <boost/asio.hpp>

#include <iostream>

using namespace tidewire;

asio::awaitable<void> fetch(transfer::downloader& downloads, http::url from, std::string to) {
  transfer::download_request request(from);
  request.to_file(to);
  auto token = asio::as_tuple(asio::use_awaitable);
  auto [ec, result] = co_await downloads.async_download(std::move(request), token);
  std::cout << (ec ? ec.message() + ": " + result.detail : result.path) << "\n";
}

int main(int argc, char** argv) {
  auto from = http::url::parse(argc == 3 ? argv[1] : "");
  if (!from) return std::cerr << "usage: download_coroutine URL FILE\n", 2;
  asio::io_context io;
  context ctx(io.get_executor(), rng::from_entropy());
  auto client = http::make_curl_client(ctx);
  auto disk = file::make_posix_filesystem();
  transfer::downloader downloads(ctx, *client, *disk);
  asio::co_spawn(io, fetch(downloads, *from, argv[2]), asio::detached);
  io.run();
}
