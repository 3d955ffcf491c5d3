// pollers http PORT count N seconds S: conditional GETs of one small file, each second, by so many
// pollers. Lateness: from when a poll was due, a second after the last one ended, to its begin.
#include "parts.hpp"

#include <tidewire/core/timer.hpp>
#include <tidewire/realtime/http_poll.hpp>
#include <tidewire/realtime/poller.hpp>

#include <algorithm>
#include <memory>

namespace tidewire::bench {
namespace {

using namespace std::chrono_literals;
using text_poller = realtime::poller<std::string>;
constexpr double interval_s = 1;

struct record {
  bool counting = false;
  std::vector<float> late_ms;
  std::size_t polls = 0, changes = 0, failures = 0;
  double cpu = 0;

  void tell(double seconds) {
    auto used = cpu_s() - cpu;
    std::sort(late_ms.begin(), late_ms.end());
    auto at = [this](std::size_t permille) {
      return late_ms.empty() ? 0.F : late_ms[late_ms.size() * permille / 1000];
    };
    say("{\"polls\":" + std::to_string(polls) + ",\"changes\":" + std::to_string(changes) +
        ",\"failures\":" + std::to_string(failures) + ",\"p50\":" + std::to_string(at(500)) +
        ",\"p99\":" + std::to_string(at(990)) + ",\"cpu\":" + std::to_string(used / seconds) + "}");
  }
};

// A poll function that notes when it is called.
realtime::poll_function<std::string> timed(realtime::poll_function<std::string> ask, record& all) {
  return [ask = std::move(ask), &all, ended = 0.0](const realtime::poll_request& request) mutable
         -> asio::awaitable<realtime::poll_answer<std::string>> {
    if (all.counting && ended > 0)
      all.late_ms.push_back(static_cast<float>((now_s() - ended - interval_s) * 1e3));
    return [](auto& inner, const realtime::poll_request& r, record& a,
              double& end) -> asio::awaitable<realtime::poll_answer<std::string>> {
      auto asked = inner(r);
      auto answer = co_await std::move(asked);
      end = now_s();
      if (a.counting) {
        ++a.polls;
        a.changes += answer.changed;
        a.failures += static_cast<bool>(answer.error);
      }
      co_return answer;
    }(ask, request, all, ended);
  };
}

}  // namespace

int run_pollers(const arguments& a) {
  asio::io_context io{1};
  auto ctx = make_context(io);
  edges all(ctx);
  commands driver(io, [](const auto&) {});
  record seen;
  realtime::poll_options options;
  options.pace.interval = 1s;
  options.pace.adapts = realtime::adaptation::none;
  options.first = realtime::first_poll::within_interval;
  auto where = *http::url::parse("http://127.0.0.1:" + a.text("http") + "/files/state.json");
  std::vector<std::unique_ptr<text_poller>> pollers;
  for (std::size_t i = 0; i < a.number("count", 1); ++i) {
    auto ask = realtime::poll_text(ctx, *all.polls, realtime::http_poll(where));
    pollers.push_back(std::make_unique<text_poller>(ctx, timed(std::move(ask), seen), options));
    pollers.back()->start();
  }
  // The first seconds are not counted: connections are opened in them, and everybody gets a 200.
  timer phase(io.get_executor());
  auto seconds = a.number("seconds", 10);
  phase.expires_after(4s);
  phase.async_wait([&](error_code) {
    seen.counting = true;
    seen.cpu = cpu_s();
    phase.expires_after(std::chrono::seconds(seconds));
    phase.async_wait([&](error_code) {
      seen.tell(static_cast<double>(seconds));
      seen.counting = false;
    });
  });
  io.run();
  return 0;
}

}  // namespace tidewire::bench
