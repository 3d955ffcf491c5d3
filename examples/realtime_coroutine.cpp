#include <tidewire/http/curl_client.hpp>
#include <tidewire/realtime/realtime_connection.hpp>
#include <tidewire/websocket/beast_client.hpp>

#include <boost/asio.hpp>

#include <iostream>

using namespace tidewire;

asio::awaitable<void> greet(realtime::realtime_connection& room) {
  auto token = asio::as_tuple(asio::use_awaitable);
  auto [ec, mode] = co_await room.async_connect(token);
  std::cerr << (ec ? ec.message() : realtime::name_of(mode)) << "\n";
  auto [failed, receipt] = co_await room.async_publish("room", R"("hello")", "", token);
  std::cerr << (failed ? receipt.reason : "in the log") << "\n";
}

int main(int argc, char** argv) {
  auto server = http::url::parse(argc == 2 ? argv[1] : "");
  if (!server) return std::cerr << "usage: realtime_coroutine http://HOST:PORT\n", 2;
  asio::io_context io;
  context ctx(io.get_executor(), rng::from_entropy());
  auto http = http::make_curl_client(ctx);
  auto sockets = websocket::make_beast_client(ctx);
  realtime::connection_options options;
  options.websocket_url = *server->resolve("/realtime/me");
  options.poll_url = *server->resolve("/messages");
  options.channels = {"room"};
  realtime::connection_parts parts;
  parts.sockets = sockets.get();
  parts.http = http.get();
  realtime::realtime_connection room(ctx, parts, options);
  auto messages = room.on_message().connect(
      [](const realtime::message& m) { std::cout << m.data << std::endl; });
  asio::co_spawn(io, greet(room), asio::detached);
  asio::signal_set interrupted(io, SIGINT);
  interrupted.async_wait([&](error_code, int) { room.async_stop([&] { io.stop(); }); });
  io.run();
}
