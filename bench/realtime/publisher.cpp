// publisher websocket PORT rate HZ seconds S out FILE: durable publications, each with its number.
// Begins at `go`; tells when all are answered. FILE has "NUMBER OFFSET" of each acknowledged one.
#include "parts.hpp"
#include "payload.hpp"

#include <tidewire/core/timer.hpp>

#include <fstream>

namespace tidewire::bench {
namespace {

constexpr auto tick = std::chrono::milliseconds(1);

class publisher {
 public:
  explicit publisher(const arguments& a)
      : rate_(a.number("rate", 1000)),
        all_(rate_ * a.number("seconds", 60)),
        out_(a.text("out")),
        edges_(make_context(io_)),
        connection_(make_context(io_), edges_.parts(), options_of(a)),
        every_(io_.get_executor()),
        commands_(io_, [this](const auto& words) {
          if (words[0] != "go") return;
          begun_ = now_s();
          pace();
        }) {}

  int run() {
    connection_.async_connect([](error_code ec, realtime::mode m) {
      say(std::string("{\"connected\":\"") + (ec ? "no" : realtime::name_of(m)) + "\"}");
    });
    io_.run();
    return 0;
  }

 private:
  void pace() {
    auto due = static_cast<std::size_t>((now_s() - begun_) * static_cast<double>(rate_));
    while (sent_ < std::min(due, all_)) publish(++sent_);
    if (sent_ == all_) return;
    every_.expires_after(tick);
    every_.async_wait([this](error_code ec) {
      if (!ec) pace();
    });
  }

  void publish(std::size_t number) {
    connection_.async_publish(
        "room", make_payload(number, 64), "p:" + std::to_string(number),
        [this, number](error_code, const realtime::publish_receipt& r) { settle(number, r); });
  }

  void settle(std::size_t number, const realtime::publish_receipt& r) {
    if (r.state == realtime::receipt_state::acked) {
      ++acked_;
      out_ << number << ' ' << r.offset << '\n';
      duplicates_ += r.duplicate;
    }
    if (++answered_ < all_) return;
    out_.close();
    say("{\"acked\":" + std::to_string(acked_) + ",\"of\":" + std::to_string(all_) +
        ",\"answered_again\":" + std::to_string(duplicates_) + "}");
  }

  asio::io_context io_{1};
  std::size_t rate_, all_, sent_ = 0, answered_ = 0, acked_ = 0, duplicates_ = 0;
  double begun_ = 0;
  std::ofstream out_;
  edges edges_;
  realtime::realtime_connection connection_;
  timer every_;
  commands commands_;
};

}  // namespace

int run_publisher(const arguments& a) {
  return publisher(a).run();
}

}  // namespace tidewire::bench
