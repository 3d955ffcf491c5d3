// A poller, a server that it asks, and a network between them, in virtual time and with the faults
// of the lab. The oracles are the laws P1 to P5, and that every change is seen in the end.
#include <tidewire/core/error.hpp>
#include <tidewire/core/manual_connectivity.hpp>
#include <tidewire/http/url.hpp>
#include <tidewire/lab/client.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/lab/process.hpp>
#include <tidewire/lab/simulation.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/realtime/http_poll.hpp>
#include <tidewire/realtime/poller.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {
namespace {

using namespace std::chrono_literals;
using ns = std::chrono::nanoseconds;

constexpr const char* origin = "http://api:80";

// What every network and every overloaded or half-broken server may do. Left out is what no client
// can see without a digest: bits that are wrong, and a length that is shorter than the body.
lab::link_faults faults_for(rng& draw) {
  using enum lab::network_fault;
  auto each = static_cast<std::uint32_t>(draw.between(1'000, 60'000));
  auto lies = static_cast<std::uint32_t>(draw.between(0, 30'000));
  auto f = lab::link_faults::lying(each, lies);
  f[corrupt] = 0;
  f[lie_length_shorter] = 0;
  f[lie_partial_as_200] = 0;
  return f;
}

// The resource: a number that grows. Each answer names the number it is of, so that an old one that
// passes for new is seen at once.
class counter {
 public:
  unsigned value = 1;
  bool tags = true;

  server::response answer(const server::request& req) const {
    server::response out;
    auto tag = "\"n" + std::to_string(value) + "\"";
    if (tags) out.headers.set("ETag", tag);
    if (tags && req.headers.find("if-none-match") == tag) {
      out.status = 304;
      return out;
    }
    out.body = server::text_body("{\"n\":" + std::to_string(value) + ",\"fill\":\"" +
                                 std::string(value % 50 * 20, 'x') + "\"}");
    return out;
  }
};

class scenario {
 public:
  scenario(std::uint64_t seed, const std::vector<lab::fault_event>* replay)
      : world_(seed),
        plan_(replay ? std::make_unique<lab::fault_plan>(world_, *replay)
                     : std::make_unique<lab::fault_plan>(world_)),
        network_(world_, *plan_),
        draw_(world_.random("scenario")),
        host_(network_.add_host(origin)),
        client_(network_, world_.get_executor()) {
    world_.set_step_limit(5'000'000);
    network_.set_faults(faults_for(draw_));
    resource_.tags = draw_.chance_ppm(700'000);
    choose_options();
    serve();
    make_poller();
  }

  lab::simulation_result run() {
    polls_->start();
    auto end = world_.now() + 10min;
    while (world_.now() < end && failure_.empty()) {
      world_.run_for(ns(draw_.between(1, 8'000'000'000)));
      disturb();
      check();
    }
    if (failure_.empty()) heal();
    if (failure_.empty()) stop();
    check();
    return {failure_, world_.trace_hash(), plan_->recorded()};
  }

 private:
  void choose_options() {
    using realtime::adaptation;
    constexpr adaptation all[] = {adaptation::gaps, adaptation::activity, adaptation::none};
    auto& pace = options_.pace;
    pace.interval = ns(draw_.between(200'000'000, 5'000'000'000));
    pace.max_interval = pace.interval * draw_.between(2, 12);
    pace.adapts = all[draw_.between(0, 2)];
    pace.max_consecutive_errors = draw_.chance_ppm(500'000) ? 0 : 5;
    options_.first = static_cast<realtime::first_poll>(draw_.between(0, 2));
    if (draw_.chance_ppm(200'000)) options_.wait = 5s;
    options_.timeout = ns(draw_.between(1'000'000'000, 40'000'000'000));
  }

  void serve() {
    host_.start([this](server::request& req) -> asio::awaitable<server::response> {
      co_return resource_.answer(req);
    });
  }

  void make_poller() {
    context ctx(world_.get_executor(), world_.random("client"));
    ctx.network = &link_;
    auto ask = realtime::poll_json(
        ctx, client_, realtime::http_poll(*http::url::parse(std::string(origin) + "/n")));
    // Sees what the poller asks and when, between the poller and the network.
    auto watched = std::make_shared<decltype(ask)>(std::move(ask));
    auto function = [this, watched](const realtime::poll_request& r) { return watch(watched, r); };
    polls_ = std::make_unique<realtime::poller<boost::json::value>>(ctx, function, options_);
    data_ = *polls_->data().connect([this](const auto& v) { take(v); });
    failures_ = *polls_->failures().connect([this](const auto& f) { take(f); });
    ends_ = *polls_->stopped().connect([this](const realtime::poll_end& e) {
      if (e.reason) running_ = false;
      if (stopped_) fail("an end was told after async_stop() had completed");
      world_.note("end", {static_cast<std::uint64_t>(e.reason.value())});
    });
  }

  using json_answer = realtime::poll_answer<boost::json::value>;
  asio::awaitable<json_answer> watch(
      std::shared_ptr<realtime::poll_function<boost::json::value>> ask,
      const realtime::poll_request& request) {
    if (++in_flight_ > 1) fail("P1: two polls in flight");
    auto now = world_.now();
    world_.note("poll", {});
    check_pace(now);
    auto op = (*ask)(request);
    auto answer = co_await std::move(op);
    --in_flight_;
    settled_ = world_.now();
    last_error_ = answer.error;
    if (answer.retry_after && answer.retry_after > ns(0))
      not_before_ = *settled_ + std::min<ns>(*answer.retry_after, options_.pace.max_retry_after);
    co_return answer;
  }

  // P2 and P5: how long the poller has waited, as a passer-by sees it.
  void check_pace(clock::time_point now) {
    if (not_before_ && now < *not_before_) fail("P2: asked inside a Retry-After");
    // Somebody asked, resumed or started after that: the wait was cut short, or long.
    if (!settled_ || disturbed_ >= *settled_) return;
    auto waited = now - *settled_;
    auto retry_after = not_before_ ? std::max<ns>(*not_before_ - *settled_, 0ns) : 0ns;
    auto least = options_.pace.interval;
    auto most = std::max(options_.pace.max_interval, poll_cap()) + retry_after;
    if ((last_error_ || options_.wait == 0ns) && waited < least)
      fail("P2, P5: the next poll came sooner than the interval");
    if (waited > most) fail("P2, P5: the next poll came later than the maximum");
  }
  ns poll_cap() const {
    return ns(static_cast<std::int64_t>(static_cast<double>(options_.pace.interval.count()) *
                                        options_.pace.multiplier)) +
           1ns;
  }

  void take(const boost::json::value& v) {
    auto n = v.at("n").to_number<unsigned>();
    if (stopped_) fail("delivered after async_stop() had completed");
    if (n <= last_seen_) fail("a change was told twice, or an old one as new");
    if (n > resource_.value) fail("a change was told that never was");
    last_seen_ = n;
    world_.note("change", {n});
  }

  void take(const realtime::poll_failure& f) {
    if (stopped_) fail("a failure was told after async_stop() had completed");
    if (!f.error) fail("a failure without an error");
    if (f.consecutive_errors > 5 && options_.pace.max_consecutive_errors == 5)
      fail("more errors in a row than the maximum");
    world_.note("failure", {static_cast<std::uint64_t>(f.error.value()), f.consecutive_errors});
  }

  void disturb() {
    if (draw_.chance_ppm(400'000)) ++resource_.value;
    if (draw_.chance_ppm(60'000)) {
      host_.crash(draw_.chance_ppm(500'000));
      world_.run_for(ns(draw_.between(0, 20'000'000'000)));
      serve();
    }
    if (draw_.chance_ppm(60'000))
      network_.partition(origin, {}, lab::direction::both, world_.now(),
                         world_.now() + ns(draw_.between(0, 30'000'000'000)));
    if (draw_.chance_ppm(60'000)) {
      disturbed_ = world_.now();
      link_.set_online(!link_.online());
    }
    if (draw_.chance_ppm(60'000)) {
      disturbed_ = world_.now();
      paused_ = !paused_;
      if (paused_)
        polls_->pause();
      else
        polls_->resume();
    }
    if (draw_.chance_ppm(100'000)) {
      disturbed_ = world_.now();
      ++asked_;
      polls_->async_poll_now([this](error_code, bool) { ++answered_; });
    }
    if (draw_.chance_ppm(40'000)) polls_->note_change();
    if (draw_.chance_ppm(40'000)) {
      polls_->async_stop([this] { ++answered_; });
      ++asked_;
      restart();
    }
    if (!running_ && draw_.chance_ppm(500'000)) restart();
  }

  void restart() {
    disturbed_ = world_.now();
    running_ = true;
    polls_->start();
  }

  // Every change is seen in the end: the network is well, and nobody pauses.
  void heal() {
    network_.set_faults(lab::link_faults{});
    network_.heal();
    host_.crash();
    serve();
    disturbed_ = world_.now();
    link_.set_online(true);
    polls_->resume();
    // What was under way keeps its faults, and may still be the last of too many.
    for (int i = 0; i < 3; ++i) {
      world_.run_for(options_.timeout + options_.wait + 10s);
      if (!running_) restart();
    }
    world_.run_for(options_.pace.max_retry_after + options_.pace.max_interval * 2 + 60s);
    if (failure_.empty() && last_seen_ != resource_.value)
      fail("the last change was never seen: " + std::to_string(last_seen_) + " of " +
           std::to_string(resource_.value));
    auto seen = last_seen_;
    ++resource_.value;
    world_.run_for(options_.pace.max_interval * 2 + 10s);
    if (failure_.empty() && last_seen_ != seen + 1) fail("a healthy poller missed a change");
  }

  void stop() {
    ++asked_;
    disturbed_ = world_.now();
    polls_->async_poll_now([this](error_code, bool) { ++answered_; });
    world_.run_for(1ms);  // the poll is under way, or waits
    polls_->async_stop([this] {
      stopped_ = true;
      if (in_flight_ > 0) fail("async_stop() completed with a poll in flight");
    });
    world_.run_for(1h);
    if (!stopped_) fail("async_stop() did not complete");
    if (in_flight_ > 0) fail("a poll goes on after the stop");
    if (asked_ != answered_)
      fail("P4: " + std::to_string(asked_) + " poll_now, " + std::to_string(answered_) +
           " answers");
    ++resource_.value;
    auto sent = network_.requests_sent();
    world_.run_for(1h);
    if (network_.requests_sent() != sent) fail("asked after the stop");
  }

  void check() {
    if (world_.step_limit_reached()) fail("the simulation does not come to an end");
  }

  void fail(const std::string& why) {
    if (failure_.empty()) failure_ = why;
  }

  lab::world world_;
  std::unique_ptr<lab::fault_plan> plan_;
  lab::network network_;
  rng draw_;
  lab::host host_;
  lab::client client_;
  counter resource_;
  manual_connectivity link_;
  realtime::poll_options options_;
  std::unique_ptr<realtime::poller<boost::json::value>> polls_;
  signal<boost::json::value>::connection data_;
  signal<realtime::poll_failure>::connection failures_;
  signal<realtime::poll_end>::connection ends_;

  std::string failure_;
  int in_flight_ = 0;
  unsigned last_seen_ = 0, asked_ = 0, answered_ = 0;  // poll_now and stop
  std::optional<clock::time_point> settled_, not_before_;
  error_code last_error_;
  clock::time_point disturbed_{};
  bool paused_ = false, running_ = true, stopped_ = false;
};

TEST(PollSimulation, KeepsItsLaws) {
  auto options = lab::simulation_options::from_environment(1000, "PollSimulation.KeepsItsLaws");
  options.folder = ::testing::TempDir();
  auto outcome = lab::run_simulations(
      options, [](std::uint64_t seed, const std::vector<lab::fault_event>* replay) {
        return scenario(seed, replay).run();
      });
  EXPECT_TRUE(outcome.ok) << outcome.report;
  if (options.faults_file.empty() && outcome.runs > 50) {
    EXPECT_GT(outcome.faults, outcome.runs) << "the network was too kind";
  }
  std::cout << outcome.runs << " seeds, " << outcome.faults << " faults\n";
}

}  // namespace
}  // namespace tidewire
