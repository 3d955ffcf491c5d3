#include <tidewire/http/curl_client.hpp>
#include <tidewire/realtime/http_poll.hpp>
#include <tidewire/realtime/poller.hpp>

#include <boost/asio.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>

using namespace tidewire;

int main(int argc, char** argv) {
  auto url = http::url::parse(argc == 2 ? argv[1] : "");
  if (!url) return std::cerr << "usage: poll_coroutine URL\n", 2;
  asio::io_context io;
  context ctx(io.get_executor(), rng::from_entropy());
  auto client = http::make_curl_client(ctx);
  auto ask = realtime::poll_json(ctx, *client, realtime::http_poll(*url));
  realtime::poller<boost::json::value> polls(ctx, ask);
  auto changes = polls.data().connect(
      [](const boost::json::value& v) { std::cout << boost::json::serialize(v) << std::endl; });
  auto end = polls.stopped().connect(
      [](const realtime::poll_end& e) { std::cerr << e.reason.message() << "\n"; });
  polls.start();
  asio::signal_set interrupted(io, SIGINT);
  interrupted.async_wait([&](error_code, int) { polls.async_stop([&] { io.stop(); }); });
  io.run();
}
