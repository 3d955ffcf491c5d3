#include "realtime/poll_schedule.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/realtime/error.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>
#include <vector>

namespace tidewire::realtime {
namespace {

using namespace std::chrono_literals;
using ns = std::chrono::nanoseconds;

const clock::time_point start(1h);

// A schedule and the time that passes for it.
struct run {
  explicit run(const poll_pace& pace, bool long_poll = false, std::uint64_t seed = 1)
      : schedule(pace, long_poll), random(seed) {
    schedule.start(now);
  }
  // The next poll, which takes `took`; gives the delay after it.
  ns poll(poll_outcome outcome, std::optional<ns> retry_after = {}, ns took = 0ns) {
    now = std::max(now, schedule.due());
    schedule.poll_began(now);
    now += took;
    schedule.settle(outcome, retry_after, now, random);
    return schedule.due() - now;
  }
  ns poll(int times, poll_outcome outcome) {
    ns last{};
    for (int i = 0; i < times; ++i) last = poll(outcome);
    return last;
  }

  poll_schedule schedule;
  rng random;
  clock::time_point now = start;
};

poll_pace steady() {
  poll_pace pace;
  pace.adapts = adaptation::none;
  return pace;
}

poll_pace drawn_pace() {
  poll_pace pace;
  pace.interval = ns(*rc::gen::inRange<std::int64_t>(1'000'000, 600'000'000'000));
  pace.min_interval = ns(*rc::gen::inRange<std::int64_t>(0, 600'000'000'000));
  pace.max_interval = ns(*rc::gen::inRange<std::int64_t>(0, 3'600'000'000'000));
  pace.multiplier = static_cast<double>(*rc::gen::inRange(0, 5000)) / 1000;
  pace.max_consecutive_errors = 0;
  pace.adapts = *rc::gen::element(adaptation::gaps, adaptation::activity, adaptation::none);
  return pace;
}

poll_outcome drawn_outcome() {
  return *rc::gen::element(poll_outcome::changed, poll_outcome::unchanged, poll_outcome::failed,
                           poll_outcome::deferred);
}

TEST(poll_schedule, has_the_defaults_of_the_lesson) {
  poll_pace pace;
  EXPECT_EQ(pace.interval, 5s);
  EXPECT_EQ(pace.max_interval, 60s);
  EXPECT_EQ(pace.multiplier, 1.5);
  EXPECT_EQ(pace.max_consecutive_errors, 5U);
}

TEST(poll_schedule, a_success_is_followed_by_one_interval_and_forgets_the_errors) {
  run r(steady());
  r.poll(3, poll_outcome::failed);
  EXPECT_EQ(r.schedule.consecutive_errors(), 3U);
  EXPECT_EQ(r.poll(poll_outcome::unchanged), 5s);
  EXPECT_EQ(r.schedule.consecutive_errors(), 0U);
  EXPECT_EQ(r.poll(poll_outcome::changed), 5s);
}

// P2, for any pace and any history.
RC_GTEST_PROP(P2_delay_after_an_error, lies_between_the_healthy_interval_and_the_cap, ()) {
  auto pace = drawn_pace();
  poll_bounds bounds(pace);
  run r(pace, *rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<std::uint64_t>());
  for (int i = *rc::gen::inRange(1, 60); i > 0; --i) {
    auto outcome = drawn_outcome();
    auto delay = r.poll(outcome, {}, ns(*rc::gen::inRange<std::int64_t>(0, 30'000'000'000)));
    RC_ASSERT(delay <= bounds.cap);
    RC_ASSERT(delay == r.schedule.delay());
    if (outcome == poll_outcome::failed || outcome == poll_outcome::deferred) {
      RC_ASSERT(delay >= r.schedule.interval());
      RC_ASSERT(delay >= bounds.min);
    }
  }
}

// P2, its exception: a Retry-After is a lower bound for everybody, and adds to nobody's spread.
RC_GTEST_PROP(P2_delay_after_an_error, is_never_shorter_than_a_retry_after, ()) {
  auto pace = drawn_pace();
  poll_bounds bounds(pace);
  run r(pace, false, *rc::gen::arbitrary<std::uint64_t>());
  for (int i = *rc::gen::inRange(1, 30); i > 0; --i) {
    auto asked = ns(*rc::gen::inRange<std::int64_t>(-5, 2'000'000'000'000));
    auto delay = r.poll(drawn_outcome(), asked);
    auto heeded = std::clamp(asked, 0ns, pace.max_retry_after);
    RC_ASSERT(delay >= heeded);
    RC_ASSERT(delay <= heeded + bounds.cap);
    RC_ASSERT(r.schedule.not_before() == r.now + heeded);
  }
}

// P2: what a backoff that clamps after the draw gets wrong.
RC_GTEST_PROP(P2_delay_after_an_error, is_spread_at_the_cap_too, ()) {
  auto pace = drawn_pace();
  poll_bounds bounds(pace);
  std::set<ns> delays;
  auto low = ns::max(), high = ns::min();
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    run r(pace, false, seed);
    r.poll(5, poll_outcome::unchanged);
    auto delay = r.poll(80, poll_outcome::failed);
    delays.insert(delay);
    low = std::min(low, delay);
    high = std::max(high, delay);
  }
  auto floor = run(pace).schedule.interval();
  RC_ASSERT(delays.size() > 30U);
  RC_ASSERT(high - low > (bounds.cap - bounds.ceiling) / 2);
  RC_ASSERT(low >= std::min(floor, bounds.min));
}

TEST(P2_delay_after_an_error, grows_with_the_errors) {
  auto pace = steady();
  pace.max_consecutive_errors = 0;
  for (auto [errors, most] : {std::pair(1, 7500ms), {2, 11250ms}, {3, 16875ms}, {20, 60000ms}}) {
    ns longest{};
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      run r(pace, false, seed);
      longest = std::max(longest, r.poll(errors, poll_outcome::failed));
    }
    EXPECT_LE(longest, most);
    EXPECT_GT(longest, most * 9 / 10);
  }
}

TEST(P3_what_is_an_error, a_success_without_change_is_none) {
  EXPECT_EQ(outcome_of({}, false, false), poll_outcome::unchanged);
  EXPECT_EQ(outcome_of({}, true, false), poll_outcome::changed);
}

TEST(P3_what_is_an_error, a_refusal_ends_at_once_and_is_not_counted) {
  EXPECT_EQ(outcome_of(errc::refused, false, false), poll_outcome::refused);
  EXPECT_EQ(outcome_of(errc::refused, false, true), poll_outcome::refused);
  EXPECT_EQ(outcome_of(tidewire::errc::invalid_argument, false, false), poll_outcome::refused);
  run r(steady());
  r.poll(poll_outcome::refused);
  EXPECT_EQ(r.schedule.state(), polling_state::refused);
  EXPECT_EQ(r.schedule.consecutive_errors(), 0U);
}

TEST(P3_what_is_an_error, a_named_time_to_come_back_is_not_counted) {
  EXPECT_EQ(outcome_of(errc::unavailable, false, true), poll_outcome::deferred);
  run r(steady());
  r.poll(4, poll_outcome::failed);
  r.poll(9, poll_outcome::deferred);
  EXPECT_EQ(r.schedule.consecutive_errors(), 4U);
  EXPECT_EQ(r.schedule.state(), polling_state::going_on);
}

TEST(P3_what_is_an_error, everything_else_is_counted_up_to_the_maximum) {
  for (error_code ec : {error_code(errc::unavailable), error_code(errc::bad_answer),
                        error_code(errc::function_threw), error_code(tidewire::errc::timed_out)})
    EXPECT_EQ(outcome_of(ec, true, false), poll_outcome::failed) << ec.message();
  run r(steady());
  r.poll(4, poll_outcome::failed);
  EXPECT_EQ(r.schedule.state(), polling_state::going_on);
  r.poll(poll_outcome::failed);
  EXPECT_EQ(r.schedule.state(), polling_state::too_many_errors);
  r.schedule.start(r.now);
  EXPECT_EQ(r.schedule.state(), polling_state::going_on);
  EXPECT_EQ(r.schedule.consecutive_errors(), 0U);
}

TEST(poll_schedule, a_maximum_of_zero_never_ends) {
  auto pace = steady();
  pace.max_consecutive_errors = 0;
  run r(pace);
  r.poll(1000, poll_outcome::failed);
  EXPECT_EQ(r.schedule.state(), polling_state::going_on);
}

TEST(poll_schedule, a_retry_after_outlives_a_stop_and_a_start) {
  run r(steady());
  r.poll(poll_outcome::deferred, 100s);
  r.schedule.start(r.now);
  EXPECT_EQ(r.schedule.due(), r.now + 100s);
}

TEST(poll_schedule, an_absurd_retry_after_is_cut) {
  run r(steady());
  EXPECT_LE(r.poll(poll_outcome::deferred, ns::max()), 10min + 60s);
  EXPECT_EQ(r.poll(poll_outcome::unchanged, -1s), 5s);
}

TEST(poll_schedule, a_long_poll_counts_the_interval_from_its_begin) {
  run r(steady(), true);
  EXPECT_EQ(r.poll(poll_outcome::unchanged, {}, 25s), 0s);  // the server held it
  EXPECT_EQ(r.poll(poll_outcome::changed, {}, 2s), 3s);
  EXPECT_EQ(r.poll(poll_outcome::unchanged, {}, 0s), 5s);  // it ignores the wish
  EXPECT_GE(r.poll(poll_outcome::failed, {}, 25s), 5s);
}

// P5: [min, max] whatever happens.
RC_GTEST_PROP(P5_adaptation, stays_within_its_bounds, ()) {
  auto pace = drawn_pace();
  poll_bounds bounds(pace);
  run r(pace);
  for (int i = *rc::gen::inRange(1, 100); i > 0; --i) {
    r.poll(drawn_outcome());
    RC_ASSERT(r.schedule.interval() >= bounds.min);
    RC_ASSERT(r.schedule.interval() <= bounds.ceiling);
    if (pace.adapts == adaptation::none) RC_ASSERT(r.schedule.interval() == bounds.interval);
  }
}

// Polls something that changes every `gap` and gives the mean interval once it has settled.
double mean_interval_seconds(const poll_pace& pace, ns gap, bool with_errors = false) {
  run r(pace);
  auto seen = r.now;
  double sum = 0;
  int counted = 0;
  auto end = r.now + gap * 40 + 1h;
  rng errors(7);
  while (r.now < end) {
    auto at = std::max(r.now, r.schedule.due());
    if (with_errors && errors.chance_ppm(200'000)) {
      r.poll(poll_outcome::failed);
      continue;
    }
    bool changed = (at - start) / gap > (seen - start) / gap;
    if (changed) seen = at;
    r.poll(changed ? poll_outcome::changed : poll_outcome::unchanged);
    if (r.now < start + gap * 20) continue;
    sum += std::chrono::duration<double>(r.schedule.interval()).count();
    ++counted;
  }
  return sum / counted;
}

TEST(P5_adaptation, follows_the_observed_gaps) {
  poll_pace pace;
  pace.interval = 10s;
  pace.min_interval = 1s;
  pace.max_interval = 10min;
  pace.max_consecutive_errors = 0;
  double before = 0;
  for (auto gap : {500ms, 4000ms, 20000ms, 120000ms, 600000ms}) {
    auto mean = mean_interval_seconds(pace, gap);
    auto wanted = std::clamp(std::chrono::duration<double>(gap).count() / 2, 1.0, 400.0);
    EXPECT_GT(mean, wanted * 0.5) << gap.count();
    EXPECT_LT(mean, wanted * 2.0) << gap.count();
    EXPECT_GT(mean, before) << gap.count();
    before = mean;
  }
}

// P5: error backoff is separate from it.
TEST(P5_adaptation, is_not_moved_by_errors) {
  poll_pace pace;
  pace.max_consecutive_errors = 0;
  run with(pace), without(pace);
  for (int i = 0; i < 40; ++i) {
    auto outcome = i % 2 == 0 ? poll_outcome::changed : poll_outcome::unchanged;
    without.poll(outcome);
    with.poll(outcome);
    ASSERT_EQ(with.schedule.interval(), without.schedule.interval()) << i;
  }
  auto before = with.schedule.interval();
  ASSERT_EQ(before, 5s);  // far from the ceiling
  with.poll(30, poll_outcome::failed);
  EXPECT_EQ(with.schedule.interval(), before);
  with.poll(poll_outcome::unchanged);  // what the outage hid is no quiet time
  EXPECT_EQ(with.schedule.interval(), before);
}

TEST(P5_adaptation, a_pause_is_no_quiet_time) {
  run r(poll_pace{});
  r.poll(poll_outcome::changed);
  r.poll(poll_outcome::changed);
  r.schedule.interrupt();
  r.now += 24h;
  r.poll(poll_outcome::unchanged);
  EXPECT_EQ(r.schedule.interval(), 5s);
}

TEST(P5_adaptation, one_long_silence_does_not_outweigh_the_busy_minute_after_it) {
  run r(poll_pace{});
  r.poll(20, poll_outcome::changed);
  EXPECT_EQ(r.schedule.interval(), 5s);
  r.poll(200, poll_outcome::unchanged);
  EXPECT_EQ(r.schedule.interval(), 40s);  // the cap of 60 s by the multiplier of 1.5
  EXPECT_LT(r.poll(poll_outcome::changed), 20s);
  r.poll(4, poll_outcome::changed);
  EXPECT_LT(r.schedule.interval(), 7s);
}

TEST(P5_adaptation, by_activity_takes_the_steps_of_the_lesson) {
  poll_pace pace;
  pace.adapts = adaptation::activity;
  pace.interval = 1s;
  run r(pace);
  EXPECT_EQ(r.poll(poll_outcome::changed), 2s);  // less than a minute ago: at least 2 s
  while (r.now < start + 57s) EXPECT_EQ(r.poll(poll_outcome::unchanged), 2s);
  r.poll(2, poll_outcome::unchanged);
  EXPECT_EQ(r.schedule.interval(), 1s);  // less than five minutes ago: as given
  while (r.now < start + 298s) EXPECT_EQ(r.poll(poll_outcome::unchanged), 1s);
  r.poll(2, poll_outcome::unchanged);
  EXPECT_EQ(r.schedule.interval(), 2s);  // else twice that
  r.schedule.note_change();
  EXPECT_EQ(r.schedule.interval(), 2s);
  pace.interval = 5s;
  run slower(pace);
  EXPECT_EQ(slower.poll(poll_outcome::changed), 5s);
  EXPECT_EQ(slower.poll(100, poll_outcome::unchanged), 10s);
  pace.max_interval = 9s;
  run capped(pace);
  EXPECT_EQ(capped.poll(100, poll_outcome::unchanged), 6s);  // 9 s by the multiplier
}

TEST(P5_adaptation, a_change_learnt_of_elsewhere_brings_the_next_poll_nearer) {
  run r(poll_pace{});
  r.schedule.note_change();  // before the first: nothing to bring nearer
  EXPECT_EQ(r.schedule.due(), start);
  EXPECT_EQ(r.poll(100, poll_outcome::unchanged), 40s);
  r.schedule.note_change();
  EXPECT_EQ(r.schedule.due(), r.now + 5s);
  r.poll(poll_outcome::deferred, 100s);
  r.schedule.note_change();
  EXPECT_GE(r.schedule.due(), r.now + 100s);
}

TEST(poll_bounds, unusable_numbers_count_as_the_nearest_usable) {
  poll_pace pace;
  pace.interval = -1s;
  pace.multiplier = 0;
  pace.max_interval = 0s;
  poll_bounds low(pace);
  EXPECT_EQ(low.interval, 1ms);
  EXPECT_EQ(low.multiplier, 1.1);
  EXPECT_EQ(low.cap, 1100us);
  pace.interval = ns::max();
  pace.min_interval = ns::max();
  pace.max_interval = ns::max();
  pace.multiplier = std::numeric_limits<double>::infinity();
  poll_bounds high(pace);
  EXPECT_LE(high.min, high.interval);
  EXPECT_LE(high.interval, high.ceiling);
  EXPECT_LT(high.ceiling, high.cap);
  pace.multiplier = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(poll_bounds(pace).multiplier, 1.5);
}

// An interval beyond the maximum raises the maximum: somebody who asks for 2 minutes gets them.
TEST(poll_bounds, the_cap_leaves_room_above_the_interval) {
  poll_pace pace;
  pace.interval = 2min;
  poll_bounds b(pace);
  EXPECT_EQ(b.interval, 2min);
  EXPECT_EQ(b.cap, 3min);
}

}  // namespace
}  // namespace tidewire::realtime
