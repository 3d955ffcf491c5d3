// link upstream PORT: two bad networks to one server, so that WebSockets can be refused while polls
// pass. Obeys `kill`, `half_open 0|1`, `refuse 0|1` (WebSockets alone), `outage 0|1`, and
// `count 0|1`: connections begun in each tenth of a second.
#include "process.hpp"

#include <tidewire/core/timer.hpp>
#include <tidewire/lab/proxy.hpp>

namespace tidewire::bench {
namespace {

constexpr auto bin = std::chrono::milliseconds(100);

lab::proxy_options options_of(const arguments& a) {
  lab::proxy_options o;
  o.upstream_port = static_cast<std::uint16_t>(a.number("upstream", 0));
  o.max_connections = 20'000;
  o.buffer_bytes = 64 * 1024;
  return o;
}

class bad_link {
 public:
  explicit bad_link(const arguments& a)
      : sockets_(make_context(io_), options_of(a)),
        polls_(make_context(io_), options_of(a)),
        every_(io_.get_executor()),
        commands_(io_, [this](const auto& words) { obey(words); }) {}

  int run() {
    for (auto* p : {&sockets_, &polls_}) {
      if (auto listening = p->listen(); !listening) return 1;
      p->async_run([](error_code) {});
    }
    say("{\"websocket\":" + std::to_string(sockets_.port()) +
        ",\"http\":" + std::to_string(polls_.port()) + "}");
    io_.run();
    return 0;
  }

 private:
  void obey(const commands::words& w) {
    bool on = w.size() == 2 && w[1] == "1";
    if (w[0] == "kill") {
      kill();
    } else if (w[0] == "half_open") {
      half_open_ = on;
    } else if (w[0] == "refuse") {
      if (on && !refuse_) sockets_.reset_all();
      refuse_ = on;
    } else if (w[0] == "outage") {
      outage_ = on;
      if (on) kill();
    } else if (w[0] == "count") {
      on ? begin_counting() : tell_counts();
    }
    lab::proxy_faults faults;
    faults.half_open = half_open_;
    faults.refuse = outage_;
    polls_.set_faults(faults);
    faults.refuse = outage_ || refuse_;
    sockets_.set_faults(faults);
  }

  void kill() {
    sockets_.reset_all();
    polls_.reset_all();
  }

  std::uint64_t connections() const {
    return sockets_.counters().connections + polls_.counters().connections;
  }
  void begin_counting() {
    bins_.clear();
    seen_ = connections();
    next_ = clock(io_.get_executor()).now();
    count();
  }
  void count() {
    next_ += bin;
    every_.expires_at(next_);
    every_.async_wait([this](error_code ec) {
      if (ec) return;
      auto all = connections();
      bins_.push_back(all - seen_);
      seen_ = all;
      count();
    });
  }
  void tell_counts() {
    every_.cancel();
    std::string line = "{\"counts\":[";
    for (auto n : bins_) line += (line.back() == '[' ? "" : ",") + std::to_string(n);
    say(line + "]}");
  }

  asio::io_context io_{1};
  lab::proxy sockets_, polls_;
  timer every_;
  commands commands_;
  bool half_open_ = false, refuse_ = false, outage_ = false;
  std::vector<std::uint64_t> bins_;
  std::uint64_t seen_ = 0;
  clock::time_point next_{};
};

}  // namespace

int run_link(const arguments& a) {
  return bad_link(a).run();
}

}  // namespace tidewire::bench
