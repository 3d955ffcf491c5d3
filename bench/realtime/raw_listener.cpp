// raw websocket PORT expect COUNT: reads frames and counts them, to tell what the edge costs
// without frames being understood.
#include "parts.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace tidewire::bench {
namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view hello = R"({"t":"hello","v":1,"client":"raw","channels":{"room":{}}})";

asio::awaitable<void> count_frames(websocket::client& client, http::url where,
                                   std::size_t expected) {
  websocket::connect_request request(std::move(where));
  auto connecting = client.async_connect(std::move(request), token);
  auto [failed, line, summary] = co_await std::move(connecting);
  if (failed) co_return say("can't connect: " + failed.message());
  co_await line->async_write(hello, true, token);
  auto [unwelcome, welcome] = co_await line->async_read(token);
  if (unwelcome) co_return say("no welcome: " + unwelcome.message());
  say("{\"event\":\"mode\",\"mode\":\"websocket\",\"at\":" + std::to_string(now_s()) + "}");
  double begun = 0, cpu = 0;
  std::size_t bytes = 0;
  for (std::size_t n = 0; n < expected; ++n) {
    auto [ec, m] = co_await line->async_read(token);
    if (ec) co_return say("lost: " + ec.message());
    if (n == 0) {
      begun = now_s();
      cpu = cpu_s();
    }
    bytes += m.data.size();
  }
  say("{\"count\":" + std::to_string(expected) + ",\"bytes\":" + std::to_string(bytes) +
      ",\"wall\":" + std::to_string(now_s() - begun) + ",\"cpu\":" + std::to_string(cpu_s() - cpu) +
      "}");
}

}  // namespace

int run_raw_listener(const arguments& a) {
  asio::io_context io{1};
  edges all(make_context(io));
  commands driver(io, [](const auto&) {});
  auto counting = count_frames(*all.sockets, *options_of(a).websocket_url, a.number("expect", 1));
  asio::co_spawn(io, std::move(counting), asio::detached);
  io.run();
  return 0;
}

}  // namespace tidewire::bench
