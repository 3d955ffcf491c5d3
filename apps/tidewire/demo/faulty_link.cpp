#include "faulty_link.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::demo {

faulty_link::faulty_link(context ctx, std::uint16_t upstream_port)
    : clock_(ctx.exec),
      proxy_(std::move(ctx), options_for(upstream_port), settings_.faults()),
      stalled_until_(clock_.now()) {}

lab::proxy_options faulty_link::options_for(std::uint16_t upstream_port) {
  lab::proxy_options o;
  o.upstream_port = upstream_port;
  return o;
}

result<void> faulty_link::listen() {
  return proxy_.listen();
}

asio::awaitable<void> faulty_link::run() {
  auto running = proxy_.async_run(asio::as_tuple(asio::use_awaitable));
  co_await std::move(running);
}

outcome faulty_link::change(const boost::json::object& settings) {
  if (auto no = settings_.apply(settings)) return no;
  apply();
  return {};
}

void faulty_link::apply() {
  auto faults = settings_.faults();
  faults.refuse = refuse_;
  faults.half_open = half_open_;
  proxy_.set_faults(faults);
}

void faulty_link::refuse(bool on) {
  refuse_ = on;
  apply();
}

void faulty_link::half_open(bool on) {
  half_open_ = on;
  apply();
}

outcome read_seconds(const boost::json::object& how, std::string_view what,
                     std::chrono::seconds& into) {
  const auto* seconds = how.if_contains("seconds");
  if (how.size() != 1 || !seconds || !seconds->is_int64() || seconds->get_int64() < 1 ||
      seconds->get_int64() > 600)
    return refusal{422, std::string(what) + " wants {\"seconds\": 1 to 600}"};
  into = std::chrono::seconds(seconds->get_int64());
  return {};
}

outcome faulty_link::stall(const boost::json::object& how) {
  std::chrono::seconds time{};
  if (auto no = read_seconds(how, "a stall", time)) return no;
  proxy_.stall_all(time);
  stalled_until_ = clock_.now() + time;
  return {};
}

boost::json::object faulty_link::state() const {
  auto o = settings_.json();
  auto left = std::chrono::ceil<std::chrono::milliseconds>(stalled_until_ - clock_.now());
  o["stalled_ms"] = std::max<std::int64_t>(left.count(), 0);
  auto c = proxy_.counters();
  boost::json::object counters;
  counters["connections"] = c.connections;
  counters["open"] = c.open;
  counters["bytes_up"] = c.bytes_up;
  counters["bytes_down"] = c.bytes_down;
  counters["reset"] = c.reset;
  counters["stalled"] = c.stalled;
  counters["refused"] = c.refused;
  o["counters"] = std::move(counters);
  return o;
}

}  // namespace tidewire::demo
