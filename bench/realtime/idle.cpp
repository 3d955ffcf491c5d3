// idle websocket PORT count N: opens so many WebSockets, each subscribed to one channel, and holds
// them. Any server will do that answers the first frame.
#include "parts.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace tidewire::bench {
namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view hello = R"({"t":"hello","v":1,"client":"idle","channels":{"room":{}}})";
constexpr std::size_t at_once = 32;

struct opening {
  websocket::client& client;
  http::url where;
  std::size_t wanted, begun = 0, open = 0, failed = 0;
  std::vector<std::unique_ptr<websocket::connection>> held;
};

asio::awaitable<bool> open_one(opening& all) {
  websocket::connect_request request(all.where);
  request.limits.handshake = std::chrono::seconds(30);
  auto connecting = all.client.async_connect(std::move(request), token);
  auto [failed, line, summary] = co_await std::move(connecting);
  if (failed) co_return false;
  auto [unsent] = co_await line->async_write(hello, true, token);
  if (unsent) co_return false;
  auto [unwelcome, welcome] = co_await line->async_read(token);
  if (unwelcome) co_return false;
  // A read stays under way, which answers pings.
  line->async_read([](error_code, const websocket::message&) {});
  all.held.push_back(std::move(line));
  co_return true;
}

asio::awaitable<void> open_some(opening& all) {
  while (all.begun < all.wanted) {
    ++all.begun;
    auto one = open_one(all);
    bool good = co_await std::move(one);
    ++(good ? all.open : all.failed);
    if (all.open + all.failed == all.wanted)
      say("{\"open\":" + std::to_string(all.open) + ",\"failed\":" + std::to_string(all.failed) +
          "}");
  }
}

}  // namespace

int run_idle(const arguments& a) {
  asio::io_context io{1};
  edges all(make_context(io));
  commands driver(io, [](const auto&) {});
  opening crowd{*all.sockets, *options_of(a).websocket_url, a.number("count", 1), 0, 0, 0, {}};
  for (std::size_t i = 0; i < at_once; ++i) asio::co_spawn(io, open_some(crowd), asio::detached);
  io.run();
  return 0;
}

}  // namespace tidewire::bench
