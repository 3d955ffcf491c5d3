#include <tidewire/core/runtime.hpp>
#include <tidewire/http/curl_client.hpp>
#include <tidewire/realtime/realtime_connection.hpp>
#include <tidewire/websocket/beast_client.hpp>

#include <iostream>
#include <semaphore>

using namespace tidewire;

int main(int argc, char** argv) {
  auto server = http::url::parse(argc == 2 ? argv[1] : "");
  if (!server) return std::cerr << "usage: realtime_callback http://HOST:PORT\n", 2;
  runtime thread;  // or runtime thread(your GUI's "call this later"): callbacks then come there
  context ctx(thread.get_executor(), rng::from_entropy());
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
  auto show = [](const realtime::message& m) { std::cout << m.data << std::endl; };
  auto messages = room.on_message().connect(thread.callback(show));
  std::binary_semaphore answered(0), stopped(0);
  auto connected = [](error_code ec, realtime::mode mode) {
    std::cerr << (ec ? ec.message() : realtime::name_of(mode)) << "\n";
  };
  auto published = [&](error_code ec, const realtime::publish_receipt& receipt) {
    std::cerr << (ec ? receipt.reason : "in the log") << "\n";
    answered.release();
  };
  room.async_connect(thread.callback(connected));
  room.async_publish("room", R"("hello")", "", thread.callback(published));
  answered.acquire();
  room.async_stop(thread.callback([&] { stopped.release(); }));
  stopped.acquire();
  thread.stop();
}
