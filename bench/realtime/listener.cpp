// listener websocket PORT [http PORT] [expect COUNT]: one subscriber with the gate and the cursor.
// With `expect` tells what that many messages cost, and ends. Tells its modes; obeys `count` and
// `dump FILE` (the numbers as they came).
#include "parts.hpp"
#include "payload.hpp"

#include <fstream>

namespace tidewire::bench {
namespace {

class listener {
 public:
  explicit listener(const arguments& a)
      : expected_(a.number("expect", 0)),
        edges_(make_context(io_)),
        connection_(make_context(io_), edges_.parts(), subscribed(a)),
        commands_(io_, [this](const auto& words) { obey(words); }) {
    message_ = *connection_.on_message().connect([this](const auto& m) { take(m); });
    reset_ = *connection_.on_reset().connect([](const realtime::reset& r) {
      say("{\"event\":\"reset\",\"reason\":\"" + r.reason + "\",\"from\":" +
          std::to_string(r.from.offset) + ",\"to\":" + std::to_string(r.to.offset) + "}");
    });
    connected_ = *connection_.on_connected().connect(
        [](const realtime::connected_event& e) { tell_mode(realtime::name_of(e.mode)); });
    lost_ = *connection_.on_disconnected().connect(
        [](const realtime::disconnected_event&) { tell_mode("disconnected"); });
  }

  int run() {
    connection_.async_connect([](error_code, realtime::mode) {});
    io_.run();
    return 0;
  }

 private:
  static realtime::connection_options subscribed(const arguments& a) {
    auto o = options_of(a);
    o.channels = {"room"};
    return o;
  }
  static void tell_mode(const std::string& mode) {
    say("{\"event\":\"mode\",\"mode\":\"" + mode + "\",\"at\":" + std::to_string(now_s()) + "}");
  }

  void take(const realtime::message& m) {
    if (count_ == 0) {
      begun_ = now_s();
      cpu_ = cpu_s();
    }
    auto number = number_in(m.data);
    ++count_;
    if (expected_ == 0) numbers_.push_back(number);
    if (count_ != expected_) return;
    say("{\"count\":" + std::to_string(count_) + ",\"wall\":" + std::to_string(now_s() - begun_) +
        ",\"cpu\":" + std::to_string(cpu_s() - cpu_) + "}");
  }

  void obey(const commands::words& w) {
    if (w[0] == "count") say("{\"count\":" + std::to_string(count_) + "}");
    if (w[0] != "dump") return;
    std::ofstream out(w[1]);
    for (auto n : numbers_) out << n << '\n';
    out.close();
    say("{\"dumped\":" + std::to_string(numbers_.size()) + "}");
  }

  asio::io_context io_{1};
  std::size_t expected_, count_ = 0;
  double begun_ = 0, cpu_ = 0;
  std::vector<std::uint64_t> numbers_;
  edges edges_;
  realtime::realtime_connection connection_;
  commands commands_;
  signal<realtime::message>::connection message_;
  signal<realtime::reset>::connection reset_;
  signal<realtime::connected_event>::connection connected_;
  signal<realtime::disconnected_event>::connection lost_;
};

}  // namespace

int run_listener(const arguments& a) {
  return listener(a).run();
}

}  // namespace tidewire::bench
