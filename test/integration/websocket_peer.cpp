// Our side of the tests against npm's ws: `server` echoes on a free port until its input ends,
// `client URL` puts a server to the test. Prints what is wrong, or "good".
#include <tidewire/server/http_server.hpp>
#include <tidewire/server/router.hpp>
#include <tidewire/websocket/beast_client.hpp>
#include <tidewire/websocket/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <cstdio>
#include <iostream>
#include <string>
#include <thread>

namespace {

using namespace tidewire;
namespace ws = tidewire::websocket;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> echo(std::unique_ptr<ws::connection> socket) {
  while (true) {
    auto reading = socket->async_read(quietly);
    auto [ec, m] = co_await std::move(reading);
    if (ec) co_return;
    auto writing = socket->async_write(m.data, m.text, quietly);
    co_await std::move(writing);
  }
}

int serve() {
  asio::io_context io(1);
  server::http_server_options options;
  options.port = 0;
  options.max_connections_per_address = options.max_connections;
  server::router routes;
  auto accept = [](server::request&) -> asio::awaitable<server::websocket_answer> {
    server::websocket_upgrade out;
    out.limits.message_bytes = 1024 * 1024;
    out.session = echo;
    co_return out;
  };
  routes.add_websocket("/echo", accept);
  server::http_server edge(context(io.get_executor(), rng(1)), options,
                           [&](server::request& r) { return routes.route(r); });
  if (!edge.listen()) return 1;
  auto done = edge.async_run(asio::use_future);
  std::thread running([&] { io.run(); });
  std::cout << edge.port() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  edge.stop(std::chrono::seconds(1));
  done.get();
  running.join();
  return 0;
}

class peer_test {
 public:
  peer_test(ws::client& c, http::url u) : client_(c), url_(std::move(u)) {}

  asio::awaitable<std::string> run() {
    ws::connect_request request(url_);
    request.headers.add("X-Test", "seen");
    request.limits.message_bytes = 2 * 1024 * 1024;
    auto connecting = client_.async_connect(std::move(request), quietly);
    auto [ec, socket, how] = co_await std::move(connecting);
    if (ec) co_return "connect: " + ec.message() + " " + how.detail;
    socket_ = std::move(socket);
    for (std::size_t n : {0u, 1u, 125u, 126u, 65535u, 65536u, 1024u * 1024u}) {
      std::string sent(n, 'y');
      auto both = ask(sent, n % 2 == 1, sent);
      if (auto wrong = co_await std::move(both); !wrong.empty()) co_return wrong;
    }
    for (auto [question, answer] : {std::pair("headers", "seen"), std::pair("ping me", "pong:p"),
                                    std::pair("fragments", "Grüß dich")}) {
      auto asking = ask(question, true, answer);
      if (auto wrong = co_await std::move(asking); !wrong.empty()) co_return wrong;
    }
    auto ending = end();
    co_return co_await std::move(ending);
  }

 private:
  asio::awaitable<std::string> ask(std::string question, bool text, std::string answer) {
    auto writing = socket_->async_write(question, text, quietly);
    auto [sent] = co_await std::move(writing);
    if (sent) co_return "write: " + sent.message();
    auto reading = socket_->async_read(quietly);
    auto [ec, m] = co_await std::move(reading);
    if (ec) co_return "read: " + ec.message();
    if (m.data != answer) co_return "not what was expected: " + m.data.substr(0, 100);
    co_return "";
  }

  asio::awaitable<std::string> end() {
    std::string last = "close me";
    auto writing = socket_->async_write(last, true, quietly);
    co_await std::move(writing);
    auto reading = socket_->async_read(quietly);
    auto [ec, m] = co_await std::move(reading);
    bool right = ec == make_error_code(ws::errc::closed) && socket_->reason().text == "as asked" &&
                 static_cast<int>(socket_->reason().code) == 4001;
    if (!right) co_return "close: " + ec.message() + " " + socket_->reason().text;

    auto again = client_.async_connect(ws::connect_request(url_), quietly);
    auto [failed, socket, how] = co_await std::move(again);
    if (failed) co_return "connect again: " + failed.message();
    last = "drop me";
    auto dropping = socket->async_write(last, true, quietly);
    co_await std::move(dropping);
    auto waiting = socket->async_read(quietly);
    auto [lost, nothing] = co_await std::move(waiting);
    if (lost != make_error_code(ws::errc::connection_lost)) co_return "drop: " + lost.message();
    co_return "good";
  }

  ws::client& client_;
  http::url url_;
  std::unique_ptr<ws::connection> socket_;
};

int test(const char* text) {
  auto url = http::url::parse(text);
  if (!url) return 2;
  asio::io_context io(1);
  ws::beast_client_options options;
  options.proxy = "";
  auto client = ws::make_beast_client(context(io.get_executor(), rng(1)), options);
  peer_test all(*client, *url);
  std::string outcome = "nothing happened";
  asio::co_spawn(io, all.run(), [&](const std::exception_ptr& failure, std::string said) {
    outcome = failure ? "an exception" : std::move(said);
  });
  io.run();
  std::cout << outcome << std::endl;
  return outcome == "good" ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string role = argc > 1 ? argv[1] : "";
  if (role == "server") return serve();
  if (role == "client" && argc > 2) return test(argv[2]);
  std::fputs("usage: websocket_peer server | client URL\n", stderr);
  return 2;
}
