// pinger websocket PORT rounds N: publishes a message, waits until it comes back by the
// subscription, and publishes the next.
#include "parts.hpp"
#include "payload.hpp"

#include <algorithm>

namespace tidewire::bench {
namespace {

constexpr std::size_t warm_up = 200;

class pinger {
 public:
  explicit pinger(const arguments& a)
      : rounds_(a.number("rounds", 2000) + warm_up),
        edges_(make_context(io_)),
        connection_(make_context(io_), edges_.parts(), subscribed(a)),
        commands_(io_, [](const auto&) {}) {
    message_ = *connection_.on_message().connect([this](const auto& m) { take(m); });
  }

  int run() {
    connection_.async_connect([this](error_code ec, realtime::mode m) {
      if (ec || m != realtime::mode::websocket) return say("not connected");
      next();
    });
    io_.run();
    return 0;
  }

 private:
  static realtime::connection_options subscribed(const arguments& a) {
    auto o = options_of(a);
    o.channels = {"room"};
    return o;
  }

  void next() {
    ++number_;
    begun_ = now_s();
    connection_.async_publish("room", make_payload(number_, 64), "",
                              [](error_code, const realtime::publish_receipt&) {});
  }

  void take(const realtime::message& m) {
    if (number_in(m.data) != number_) return;
    if (number_ > warm_up) times_.push_back((now_s() - begun_) * 1e6);
    if (number_ == warm_up) cpu_ = cpu_s();
    if (number_ < rounds_) return next();
    auto cpu = cpu_s() - cpu_;
    std::sort(times_.begin(), times_.end());
    auto at = [this](std::size_t percent) { return times_[times_.size() * percent / 100]; };
    say("{\"p50\":" + std::to_string(at(50)) + ",\"p99\":" + std::to_string(at(99)) +
        ",\"cpu\":" + std::to_string(cpu) + "}");
  }

  asio::io_context io_{1};
  std::size_t rounds_, number_ = 0;
  double begun_ = 0, cpu_ = 0;
  std::vector<double> times_;
  edges edges_;
  realtime::realtime_connection connection_;
  commands commands_;
  signal<realtime::message>::connection message_;
};

}  // namespace

int run_pinger(const arguments& a) {
  return pinger(a).run();
}

}  // namespace tidewire::bench
