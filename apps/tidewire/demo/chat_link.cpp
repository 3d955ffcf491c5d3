#include "chat_link.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json/value.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tidewire::demo {
namespace {

namespace json = boost::json;

context lane_of(const context& ctx, std::string_view name) {
  auto out = ctx;
  out.random = ctx.random.stream(name);
  return out;
}

std::string origin_of(std::uint16_t port) {
  return fmt::format("http://127.0.0.1:{}", port);
}

// The sum of what both doors counted.
json::object sum(const json::object& a, const json::object& b) {
  json::object out;
  for (const auto& member : a)
    out[member.key()] =
        member.value().to_number<std::uint64_t>() + b.at(member.key()).to_number<std::uint64_t>();
  return out;
}

}  // namespace

chat_link::chat_link(const context& ctx, std::uint16_t upstream_port, const stopwatch& time)
    : time_(time),
      clock_(ctx.exec),
      sockets_(lane_of(ctx, "sockets"), upstream_port),
      http_(lane_of(ctx, "http"), upstream_port),
      heal_(ctx.exec),
      half_open_until_(clock_.now()) {}

result<void> chat_link::listen() {
  if (auto listening = sockets_.listen(); !listening) return listening;
  return http_.listen();
}

asio::awaitable<void> chat_link::run() {
  using asio::experimental::awaitable_operators::operator&&;
  auto one = sockets_.run();
  auto other = http_.run();
  auto both = std::move(one) && std::move(other);
  co_await std::move(both);
}

void chat_link::stop() {
  heal_.cancel();
  sockets_.stop();
  http_.stop();
}

std::string chat_link::socket_origin() const {
  return origin_of(sockets_.port());
}
std::string chat_link::http_origin() const {
  return origin_of(http_.port());
}

outcome chat_link::change(const json::object& settings) {
  auto rest = settings;
  const auto* wanted = rest.if_contains("block_websocket");
  if (wanted && !wanted->is_bool()) return refusal{422, "\"block_websocket\" wants true or false"};
  bool blocked = wanted ? wanted->get_bool() : blocked_;
  if (wanted) rest.erase("block_websocket");
  auto before = http_.state();
  if (auto no = sockets_.change(rest)) return no;
  if (auto no = http_.change(rest)) return no;
  note_change(before);
  if (blocked != blocked_) block(blocked);
  return {};
}

// Sliders move in small steps, which would fill the history; what breaks the link is worth a mark.
void chat_link::note_change(const json::object& before) {
  bool was = before.at("offline").as_bool(), is = http_.state().at("offline").as_bool();
  if (was == is) return;
  mark(is ? "offline" : "online", is ? "the link went offline" : "the link is back");
}

void chat_link::block(bool on) {
  blocked_ = on;
  sockets_.refuse(on);
  if (on) sockets_.cut();
  mark(on ? "blocked" : "unblocked", on ? "WebSocket blocked" : "WebSocket allowed again");
}

void chat_link::cut(std::string_view kind, std::string text) {
  sockets_.cut();
  http_.cut();
  mark(kind, std::move(text));
}

outcome chat_link::stall(const json::object& how) {
  if (auto no = sockets_.stall(how)) return no;
  if (auto no = http_.stall(how)) return no;
  mark("stall", fmt::format("stalled for {} s", how.at("seconds").as_int64()));
  return {};
}

outcome chat_link::half_open(const json::object& how) {
  std::chrono::seconds time{};
  if (auto no = read_seconds(how, "a half-open socket", time)) return no;
  half_open_until_ = clock_.now() + time;
  sockets_.half_open(true);
  heal_.expires_at(half_open_until_);
  heal_.async_wait([this](error_code ec) {
    if (!ec) sockets_.half_open(false);
  });
  mark("half-open", fmt::format("the WebSocket went half-open for {} s", time.count()));
  return {};
}

void chat_link::mark(std::string_view kind, std::string text) {
  marks_.add(kind, std::move(text), time_.ms());
}

json::object chat_link::state() const {
  auto o = http_.state();
  auto other = sockets_.state();
  o["counters"] = sum(o.at("counters").as_object(), other.at("counters").as_object());
  o["block_websocket"] = blocked_;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(half_open_until_ - clock_.now());
  o["half_open_ms"] = std::max<std::int64_t>(left.count(), 0);
  o["marks"] = marks_.json();
  return o;
}

}  // namespace tidewire::demo
