#include "queue/gate.hpp"
#include "queue/lane_wheel.hpp"
#include "queue/task_rules.hpp"

#include <tidewire/core/rng.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <map>

namespace tidewire::queue {
namespace {

using namespace std::chrono_literals;

// T6, whatever comes and goes: a lane that is ready is served within ten.
TEST(lane_wheel_test, serves_every_ready_lane_within_ten) {
  rng random(7);
  lane_wheel wheel;
  std::array<int, priorities> waited{};
  for (int i = 0; i < 20'000; ++i) {
    std::array<bool, priorities> ready{};
    // Low is always ready; the others come and go.
    ready[2] = true;
    for (std::size_t lane = 0; lane < 2; ++lane) ready[lane] = random.chance_ppm(700'000);
    auto got = wheel.next(lane_policy::weighted, ready);
    ASSERT_TRUE(got);
    ASSERT_TRUE(ready[static_cast<std::size_t>(*got)]);
    for (std::size_t lane = 0; lane < priorities; ++lane) {
      if (!ready[lane] || lane == static_cast<std::size_t>(*got))
        waited[lane] = 0;
      else
        ASSERT_LT(++waited[lane], static_cast<int>(claims_until_low));
    }
  }
}

TEST(lane_wheel_test, goes_on_where_it_stood) {
  std::array<bool, priorities> all{true, true, true};
  lane_wheel whole, pieces;
  for (int i = 0; i < 30; ++i) {
    pieces = lane_wheel(pieces.position());  // as another worker does
    EXPECT_EQ(whole.next(lane_policy::weighted, all), pieces.next(lane_policy::weighted, all));
  }
  EXPECT_FALSE(whole.next(lane_policy::weighted, {false, false, false}));
  EXPECT_EQ(whole.next(lane_policy::strict, {false, true, true}), priority::medium);
}

// No window of one period holds more than twice the share: a burst after a rest, and then the rate.
TEST(gate_test, keeps_the_rate) {
  rng random(3);
  gate g;
  g.max_starts = 5;
  g.period = 1s;
  std::deque<queue_time> starts;
  queue_time now(1000s);
  int n = 0;
  for (int i = 0; i < 50'000; ++i) {
    now += milliseconds(random.between(0, 40));
    if (!g.open(now)) {
      EXPECT_GT(g.opens_at(), now);
      continue;
    }
    g.enter(now);
    g.leave();
    ++n;
    starts.push_back(now);
    while (starts.front() <= now - 1s) starts.pop_front();
    ASSERT_LE(starts.size(), 9u);
  }
  auto seconds = (now - queue_time(1000s)).count() / 1000;
  EXPECT_NEAR(n, seconds * 5, 10) << "and wastes none of it";
}

TEST(gate_test, counts_who_is_inside) {
  gate g;
  g.max_running = 2;
  queue_time now(5s);
  g.enter(now), g.enter(now);
  EXPECT_FALSE(g.open(now));
  EXPECT_FALSE(g.forgettable(now));
  g.leave();
  EXPECT_TRUE(g.open(now));
  g.leave(), g.leave();
  EXPECT_EQ(g.running, 0u);
  EXPECT_TRUE(g.forgettable(now));
}

TEST(task_rules_test, decide_what_becomes_of_a_task) {
  attempt_state first{1, 2, 1, false}, last{2, 2, 5, false}, unwanted{1, 2, 1, true};
  EXPECT_EQ(settle(first, outcome::retry("")).state, task_state::retrying);
  EXPECT_EQ(settle(last, outcome::retry("")).state, task_state::failed);
  EXPECT_EQ(settle(unwanted, outcome::retry("")).state, task_state::cancelled);
  EXPECT_EQ(settle(unwanted, outcome::done()).state, task_state::done);
  EXPECT_EQ(settle(last, outcome::snooze(1s)).state, task_state::scheduled);
  EXPECT_TRUE(settle(last, outcome::snooze(1s)).attempt_back);
  EXPECT_EQ(settle(last, outcome::snooze(-5s)).delay, 0s);
  EXPECT_EQ(settle(last, outcome::snooze(milliseconds::max())).delay, task_bounds::delay);
  attempt_state sleepy{1, 2, task_bounds::starts, false};
  EXPECT_EQ(settle(sleepy, outcome::snooze(1s)).state, task_state::failed);
  EXPECT_EQ(give_up(first).state, task_state::ready);
  EXPECT_EQ(give_up(last).state, task_state::failed);
  EXPECT_EQ(give_up(unwanted).state, task_state::cancelled);
}

TEST(task_rules_test, cut_between_characters) {
  EXPECT_EQ(cut("abc", 5), "abc");
  EXPECT_EQ(cut("abc", 2), "ab");
  EXPECT_EQ(cut("a\xc3\xa4", 2), "a");
  EXPECT_EQ(cut("\xf0\x9f\x98\x80", 3), "");
}

TEST(task_names_test, go_both_ways) {
  for (std::size_t i = 0; i < task_states; ++i) {
    auto s = static_cast<task_state>(i);
    EXPECT_EQ(task_state_from(to_string(s)), s);
  }
  for (auto p : {priority::high, priority::medium, priority::low})
    EXPECT_EQ(priority_from(to_string(p)), p);
  EXPECT_FALSE(priority_from("urgent"));
  EXPECT_FALSE(task_state_from(""));
}

}  // namespace
}  // namespace tidewire::queue
