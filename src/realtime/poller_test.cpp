// The driver in virtual time: laws P1 and P4, and what the lesson's SmartPoller does.
#include <tidewire/core/error.hpp>
#include <tidewire/core/manual_connectivity.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/realtime/callback_poll.hpp>
#include <tidewire/realtime/poller.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace tidewire::realtime {
namespace {

using namespace std::chrono_literals;
using answer = poll_answer<int>;
using times = std::vector<double>;

class poller_test : public testing::Test {
 protected:
  poller_test() {
    options.pace.adapts = adaptation::none;
    world.set_step_limit(1'000'000);  // who never stops fails, and does not hang
  }

  // Answers as told by `next`, then with "unchanged"; each takes `took`.
  asio::awaitable<answer> serve() {
    began.push_back(seconds());
    most_in_flight = std::max(most_in_flight, ++in_flight);
    answer out;
    if (!next.empty()) {
      out = next.front();
      next.pop_front();
    }
    if (throws) {
      --in_flight;
      throw std::runtime_error("a bug of the user");
    }
    if (took > 0s) {
      timer t(world.get_executor());
      t.expires_after(took);
      auto token = asio::as_tuple(asio::use_awaitable);
      auto [ec] = co_await t.async_wait(token);
      if (ec) out = answer::failed(ec);
    }
    --in_flight;
    co_return out;
  }

  poller<int>& make() {
    context ctx(world.get_executor(), rng(1));
    ctx.network = network;
    auto function = [this](const poll_request& r) {
      requests.push_back(r);
      return serve();
    };
    polls = std::make_unique<poller<int>>(ctx, function, options);
    connections.push_back(*polls->data().connect([this](int v) { heard.push_back(v); }));
    return *polls;
  }
  poller<int>& run() {
    make().start();
    failures = *polls->failures().connect([this](const poll_failure& f) { failed.push_back(f); });
    ends = *polls->stopped().connect([this](const poll_end& e) { ended.push_back(e); });
    return *polls;
  }
  double seconds() const { return std::chrono::duration<double>(world.now() - begin).count(); }
  // Nothing is left that would ever run: no timer, no poll.
  bool idle() {
    auto before = world.now();
    world.run_until_idle();
    return world.now() == before;
  }

  lab::world world;
  clock::time_point begin = world.now();
  poll_options options;
  connectivity* network = nullptr;
  std::deque<answer> next;
  clock::duration took{};
  bool throws = false;
  int in_flight = 0, most_in_flight = 0;
  times began;
  std::vector<poll_request> requests;
  std::vector<int> heard;
  std::vector<poll_failure> failed;
  std::vector<poll_end> ended;
  std::unique_ptr<poller<int>> polls;
  std::vector<signal<int>::connection> connections;
  signal<poll_failure>::connection failures;
  signal<poll_end>::connection ends;
};

TEST_F(poller_test, polls_at_once_and_then_an_interval_after_each_end) {
  took = 2s;
  run();
  world.run_for(20s);
  EXPECT_EQ(began, (times{0, 7, 14}));
  EXPECT_EQ(most_in_flight, 1);
}

TEST_F(poller_test, may_wait_for_one_interval_first_as_the_lesson_does) {
  options.first = first_poll::after_interval;
  run();
  world.run_for(11s);
  EXPECT_EQ(began, (times{5, 10}));
}

TEST_F(poller_test, may_begin_anywhere_in_the_first_interval) {
  options.first = first_poll::within_interval;
  run();
  world.run_for(5s);
  ASSERT_EQ(began.size(), 1U);
  EXPECT_GT(began[0], 0);
  EXPECT_LT(began[0], 5);
}

TEST_F(poller_test, delivers_changes_alone) {
  next = {answer::changed_to(1), answer::unchanged(), answer::changed_to(2)};
  run();
  world.run_for(30s);
  EXPECT_EQ(heard, (std::vector{1, 2}));
  EXPECT_EQ(polls->status().changes, 2U);
}

TEST_F(poller_test, hands_cursor_and_validator_of_the_last_answer_on) {
  auto first = answer::changed_to(1);
  first.cursor = "c1";
  first.validator = "v1";
  auto bad = answer::failed(errc::unavailable);
  bad.cursor = "never";
  next = {first, answer::unchanged(), bad};
  options.cursor = "c0";
  run();
  world.run_for(20s);
  ASSERT_GE(requests.size(), 4U);
  EXPECT_EQ(requests[0].cursor, "c0");
  EXPECT_EQ(requests[0].validator, "");
  for (auto i : {1, 2, 3}) {
    EXPECT_EQ(requests[i].cursor, "c1");
    EXPECT_EQ(requests[i].validator, "v1");
  }
  EXPECT_EQ(polls->status().cursor, "c1");
}

TEST_F(poller_test, start_and_stop_are_idempotent_and_it_starts_again) {
  run().start();
  world.run_for(1s);
  EXPECT_EQ(began.size(), 1U);
  int done = 0;
  polls->async_stop([&] { ++done; });
  polls->async_stop([&] { ++done; });
  EXPECT_TRUE(idle());
  EXPECT_EQ(done, 2);
  EXPECT_FALSE(polls->status().polling);
  world.run_for(20s);
  EXPECT_EQ(began.size(), 1U);
  polls->start();
  world.run_for(1s);
  EXPECT_EQ(began.size(), 2U);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_FALSE(ended[0].reason);
}

TEST_F(poller_test, stop_before_start_is_fine) {
  int done = 0;
  make().async_stop([&] { ++done; });
  EXPECT_TRUE(idle());
  EXPECT_EQ(done, 1);
}

TEST_F(poller_test, stop_completes_when_the_poll_in_flight_has_ended_and_delivers_nothing) {
  took = 10s;
  next = {answer::changed_to(1)};
  run();
  world.run_for(1s);
  bool done = false;
  polls->async_stop([&] {
    done = true;
    EXPECT_EQ(in_flight, 0);
  });
  EXPECT_TRUE(idle());
  EXPECT_TRUE(done);
  EXPECT_TRUE(heard.empty());
  EXPECT_TRUE(failed.empty());
}

// P1 holds across a stop that a stubborn function makes slow.
TEST_F(poller_test, a_start_during_a_stop_waits_for_its_end) {
  std::vector<asio::any_completion_handler<void(answer)>> open;
  context ctx(world.get_executor(), rng(1));
  auto stubborn = [&](const poll_request&, asio::any_completion_handler<void(answer)> done) {
    open.push_back(std::move(done));
  };
  options.timeout = 0s;
  poller<int> p(ctx, callback_poll<int>(stubborn), options);
  p.start();
  world.run_for(1s);
  bool done = false;
  p.async_stop([&] { done = true; });
  p.start();
  world.run_for(60s);
  EXPECT_EQ(open.size(), 1U);
  EXPECT_FALSE(done);
  std::move(open[0])(answer::changed_to(1));
  world.run_for(1s);
  EXPECT_TRUE(done);
  EXPECT_EQ(open.size(), 2U);
  p.async_stop([] {});
  std::move(open[1])(answer::unchanged());
  world.run_for(1s);
}

TEST_F(poller_test, a_poll_that_takes_too_long_is_cancelled_and_counts) {
  took = 60s;
  run();
  world.run_for(31s);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].error, tidewire::errc::timed_out);
  EXPECT_EQ(failed[0].consecutive_errors, 1U);
  EXPECT_EQ(in_flight, 0);
}

TEST_F(poller_test, the_time_of_a_long_poll_is_added_to_the_limit) {
  options.wait = 25s;
  took = 50s;
  run();
  world.run_for(51s);
  EXPECT_TRUE(failed.empty());
  EXPECT_EQ(requests[0].wait, clock::duration(25s));
  EXPECT_EQ(began, (times{0, 50}));  // the server held it longer than an interval
}

TEST_F(poller_test, the_fifth_error_in_a_row_ends_the_polling) {
  for (int i = 0; i < 4; ++i) next.push_back(answer::failed(errc::unavailable, "down"));
  next.push_back(answer::unchanged());
  for (int i = 0; i < 9; ++i) next.push_back(answer::failed(errc::unavailable, "down"));
  run();
  world.run_until_idle();
  EXPECT_EQ(began.size(), 10U);
  ASSERT_EQ(failed.size(), 9U);
  EXPECT_EQ(failed[3].consecutive_errors, 4U);
  EXPECT_TRUE(failed[3].next_delay);
  EXPECT_EQ(failed[4].consecutive_errors, 1U);
  EXPECT_FALSE(failed[8].next_delay);
  EXPECT_EQ(failed[8].detail, "down");
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].reason, errc::too_many_errors);
  EXPECT_FALSE(polls->status().polling);
  next.clear();
  polls->start();
  world.run_for(1s);
  EXPECT_EQ(polls->status().consecutive_errors, 0U);
  EXPECT_TRUE(polls->status().polling);
}

TEST_F(poller_test, the_delay_that_is_told_is_kept) {
  next = {answer::failed(errc::unavailable), answer::failed(errc::unavailable)};
  run();
  world.run_for(60s);
  ASSERT_EQ(failed.size(), 2U);
  for (auto i : {0, 1}) {
    auto told = std::chrono::duration<double>(*failed[i].next_delay).count();
    EXPECT_NEAR(began[i + 1] - began[i], told, 1e-6);
    EXPECT_GE(told, 5);
  }
}

TEST_F(poller_test, a_refusal_ends_the_polling_at_once) {
  next = {answer::failed(errc::refused, "403")};
  run();
  world.run_until_idle();
  EXPECT_EQ(began.size(), 1U);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].consecutive_errors, 0U);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].reason, errc::refused);
  EXPECT_EQ(ended[0].detail, "403");
}

TEST_F(poller_test, a_function_that_throws_is_an_error_like_others) {
  throws = true;
  run();
  world.run_for(1s);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].error, errc::function_threw);
  EXPECT_EQ(failed[0].detail, "a bug of the user");
  throws = false;
  next = {answer::changed_to(1)};
  world.run_for(10s);
  EXPECT_EQ(heard, std::vector{1});
}

TEST_F(poller_test, nothing_is_asked_within_a_retry_after) {
  auto later = answer::failed(errc::unavailable);
  later.retry_after = 100s;
  next = {later};
  manual_connectivity link;
  network = &link;
  run();
  world.run_for(10s);
  bool asked = false;
  polls->async_poll_now([&](error_code ec, bool) { asked = !ec; });
  polls->pause();
  polls->resume();
  polls->note_change();
  link.set_online(false);
  link.set_online(true);
  world.run_for(80s);
  EXPECT_EQ(began.size(), 1U);
  polls->async_stop([] {});
  polls->start();
  world.run_for(9s);
  EXPECT_EQ(began.size(), 1U);
  world.run_for(2s);
  ASSERT_EQ(began.size(), 2U);
  EXPECT_EQ(began[1], 100);
  EXPECT_FALSE(asked);  // the stop ended it
}

// P4.
TEST_F(poller_test, poll_now_joins_the_poll_in_flight) {
  took = 2s;
  next = {answer::changed_to(1)};
  run();
  world.run_for(1s);
  std::vector<bool> done;
  for (int i = 0; i < 3; ++i)
    polls->async_poll_now([&](error_code ec, bool changed) {
      EXPECT_FALSE(ec);
      EXPECT_EQ(heard, std::vector{1});
      done.push_back(changed);
    });
  world.run_for(2s);
  EXPECT_EQ(done, (std::vector{true, true, true}));
  EXPECT_EQ(began.size(), 1U);
  EXPECT_EQ(most_in_flight, 1);
}

TEST_F(poller_test, poll_now_polls_now_and_the_interval_counts_from_there) {
  run();
  world.run_for(2s);
  int done = 0;
  polls->async_poll_now([&](error_code ec, bool changed) {
    EXPECT_FALSE(ec);
    EXPECT_FALSE(changed);
    ++done;
  });
  polls->async_poll_now([&](error_code, bool) { ++done; });
  world.run_for(6s);
  EXPECT_EQ(done, 2);
  EXPECT_EQ(began, (times{0, 2, 7}));
}

TEST_F(poller_test, poll_now_completes_once_whatever_happens) {
  std::vector<error_code> got;
  auto take = [&](error_code ec, bool) { got.push_back(ec); };
  make().async_poll_now(take);  // not started
  world.run_for(1s);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0], tidewire::errc::stopped);
  took = 3s;
  polls->start();
  world.run_for(1s);
  asio::cancellation_signal cancel;
  polls->async_poll_now(asio::bind_cancellation_slot(cancel.slot(), take));
  polls->async_poll_now(take);
  world.run_for(1s);
  cancel.emit(asio::cancellation_type::terminal);
  world.run_for(100ms);
  ASSERT_EQ(got.size(), 2U);  // its wait alone
  EXPECT_EQ(got[1], asio::error::operation_aborted);
  bool stopped = false;
  polls->async_stop([&] {
    stopped = true;
    EXPECT_EQ(got.size(), 3U);
  });
  EXPECT_TRUE(idle());
  EXPECT_TRUE(stopped);
  EXPECT_EQ(got[2], tidewire::errc::stopped);
}

TEST_F(poller_test, a_paused_poller_has_no_timer_and_catches_up_when_resumed) {
  run();
  world.run_for(1s);
  polls->pause();
  EXPECT_TRUE(idle());
  EXPECT_TRUE(polls->status().paused);
  world.run_for(60s);
  EXPECT_EQ(began.size(), 1U);
  bool done = false;
  polls->async_poll_now([&](error_code ec, bool) { done = !ec; });
  EXPECT_TRUE(idle());
  EXPECT_TRUE(done);
  EXPECT_EQ(began.size(), 2U);
  world.run_for(30s);
  polls->resume();
  world.run_for(1s);
  EXPECT_EQ(began, (times{0, 61, 91}));
}

TEST_F(poller_test, a_poll_in_flight_is_delivered_in_a_pause) {
  took = 2s;
  next = {answer::changed_to(1)};
  run();
  world.run_for(1s);
  polls->pause();
  world.run_for(5s);
  EXPECT_EQ(heard, std::vector{1});
}

TEST_F(poller_test, offline_pauses_and_online_polls_at_once) {
  manual_connectivity link(false);
  network = &link;
  run();
  EXPECT_TRUE(idle());
  EXPECT_TRUE(began.empty());
  world.run_for(10s);
  link.set_online(true);
  world.run_for(1s);
  EXPECT_EQ(began, times{10});
  took = 1s;
  world.run_for(4500ms);  // a poll is under way
  link.set_online(false);
  next = {answer::failed(errc::unavailable)};
  world.run_for(60s);
  EXPECT_EQ(began.size(), 2U);
  link.set_online(true);
  world.run_for(1s);
  EXPECT_EQ(began.size(), 3U);
}

TEST_F(poller_test, errors_of_a_known_outage_are_not_counted) {
  manual_connectivity link;
  network = &link;
  took = 1s;
  next = {answer::failed(errc::unavailable)};
  run();
  world.run_for(500ms);
  link.set_online(false);
  world.run_for(10s);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].consecutive_errors, 0U);
  EXPECT_TRUE(idle());
}

TEST_F(poller_test, status_tells_what_the_lesson_tells) {
  next = {answer::unchanged(), answer::failed(errc::unavailable)};
  run();
  EXPECT_FALSE(polls->status().last_success);
  world.run_for(1s);
  auto s = polls->status();
  EXPECT_TRUE(s.polling);
  EXPECT_EQ(s.current_interval, 5s);
  EXPECT_EQ(s.consecutive_errors, 0U);
  ASSERT_TRUE(s.last_success);
  EXPECT_EQ(*s.last_success, world.wall_now() - 1s);
  world.run_for(5s);
  s = polls->status();
  EXPECT_GT(s.current_interval, 5s);
  EXPECT_EQ(s.consecutive_errors, 1U);
  EXPECT_EQ(*s.last_success, world.wall_now() - 6s);
  EXPECT_EQ(s.polls, 2U);
}

TEST_F(poller_test, listeners_may_throw_re_enter_and_stop) {
  for (int i = 1; i < 9; ++i) next.push_back(answer::changed_to(i));
  make();
  int calls = 0;
  connections.push_back(
      *polls->data().connect([&](int) -> void { throw std::runtime_error("no"); }));
  connections.push_back(*polls->data().connect([&](int value) {
    ++calls;
    polls->start();
    polls->pause();
    polls->resume();
    polls->async_poll_now([](error_code, bool) {});
    if (value == 4) polls->async_stop([] {});
  }));
  polls->start();
  world.run_for(60s);
  // Each answer asks for the next one at once, since the start posted before does not matter.
  EXPECT_EQ(calls, 4);
  EXPECT_TRUE(idle());
}

TEST_F(poller_test, a_listener_may_destroy_the_poller) {
  next = {answer::changed_to(1)};
  make();
  int later = 0;
  auto killer = *polls->data().connect([&](int) { polls.reset(); });
  auto after = *polls->data().connect([&](int) { ++later; });
  polls->start();
  world.run_for(60s);
  EXPECT_FALSE(polls);
  EXPECT_EQ(heard, std::vector{1});
  EXPECT_EQ(later, 0);
  EXPECT_EQ(began.size(), 1U);
}

TEST_F(poller_test, a_listener_of_failures_or_of_the_end_may_destroy_the_poller) {
  for (bool at_the_end : {false, true}) {
    next = {answer::failed(errc::refused)};
    make();
    int later = 0;
    auto f = *polls->failures().connect([&](const poll_failure&) {
      if (!at_the_end) polls.reset();
    });
    auto e = *polls->stopped().connect([&](const poll_end&) {
      EXPECT_TRUE(at_the_end);
      polls.reset();
    });
    auto l = *polls->stopped().connect([&](const poll_end&) { ++later; });
    polls->start();
    world.run_for(10s);
    EXPECT_FALSE(polls);
    EXPECT_EQ(later, 0);
  }
}

TEST_F(poller_test, destroyed_with_a_poll_in_flight_it_delivers_nothing) {
  took = 10s;
  next = {answer::changed_to(1)};
  run();
  world.run_for(1s);
  polls.reset();
  world.run_until_idle();
  EXPECT_TRUE(heard.empty());
  EXPECT_TRUE(ended.empty());
  EXPECT_EQ(in_flight, 0);
}

TEST_F(poller_test, adapts_by_itself) {
  options.pace.adapts = adaptation::gaps;
  run();
  world.run_for(10min);
  EXPECT_EQ(polls->status().current_interval, 40s);
  polls->note_change();
  auto before = began.size();
  world.run_for(6s);
  EXPECT_GT(began.size(), before);
  EXPECT_LT(polls->status().current_interval, 7s);
}

}  // namespace
}  // namespace tidewire::realtime
