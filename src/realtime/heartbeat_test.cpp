#include "realtime/heartbeat.hpp"

#include <gtest/gtest.h>

namespace tidewire::realtime {
namespace {

using namespace std::chrono_literals;
using verdict = heartbeat::verdict;

clock::time_point at(clock::duration d) {
  return clock::time_point() + d;
}

heartbeat begun() {
  heartbeat h(25s, 5s);
  h.begin(at(0s));
  return h;
}

TEST(heartbeat, a_socket_that_talks_is_never_pinged) {
  auto h = begun();
  for (auto t = 0s; t < 1000s; t += 24s) EXPECT_EQ(h.check(at(t + 24s), at(t)), verdict::alive);
}

TEST(heartbeat, quiet_is_answered_with_a_ping_and_two_missed_ones_are_the_end) {
  auto h = begun();
  EXPECT_EQ(h.deadline(), at(25s));
  EXPECT_EQ(h.check(at(24999ms), at(0s)), verdict::alive);
  EXPECT_EQ(h.check(at(25s), at(0s)), verdict::ping);
  EXPECT_EQ(h.deadline(), at(30s));
  EXPECT_EQ(h.check(at(29s), at(0s)), verdict::alive) << "one ping at a time";
  EXPECT_EQ(h.check(at(30s), at(0s)), verdict::ping);
  EXPECT_EQ(h.deadline(), at(35s));
  EXPECT_EQ(h.check(at(35s), at(0s)), verdict::dead);
}

TEST(heartbeat, any_byte_is_life) {
  auto h = begun();
  EXPECT_EQ(h.check(at(25s), at(0s)), verdict::ping);
  EXPECT_EQ(h.check(at(30s), at(26s)), verdict::alive);
  EXPECT_EQ(h.deadline(), at(51s));
  EXPECT_EQ(h.check(at(51s), at(26s)), verdict::ping);
  EXPECT_EQ(h.check(at(56s), at(26s)), verdict::ping) << "the count began again";
  EXPECT_EQ(h.check(at(61s), at(26s)), verdict::dead);
}

TEST(heartbeat, after_a_sleep_it_is_dead_without_a_ping) {
  auto h = begun();
  EXPECT_EQ(h.check(at(24h), at(10s)), verdict::dead);
}

TEST(heartbeat, a_new_socket_begins_anew) {
  auto h = begun();
  h.check(at(25s), at(0s));
  h.begin(at(40s));
  EXPECT_EQ(h.check(at(41s), at(0s)), verdict::alive);
  EXPECT_EQ(h.deadline(), at(65s));
}

TEST(heartbeat, a_ping_out_of_turn_tells_whether_the_way_carries) {
  auto h = begun();
  h.ping_now(at(1s));
  EXPECT_FALSE(h.answered(at(1s))) << "what was heard before says nothing";
  EXPECT_EQ(h.deadline(), at(6s));
  EXPECT_TRUE(h.answered(at(1001ms)));
  EXPECT_EQ(h.deadline(), at(26001ms));
}

TEST(heartbeat, a_missed_ping_out_of_turn_is_followed_by_another_one) {
  auto h = begun();
  h.ping_now(at(1s));
  EXPECT_EQ(h.check(at(6s), at(0s)), verdict::ping);
  EXPECT_EQ(h.check(at(11s), at(0s)), verdict::dead) << "two were missed";
}

TEST(heartbeat, takes_the_servers_word_for_how_long_it_is_quiet) {
  auto h = begun();
  h.quiet_for(10s);
  EXPECT_EQ(h.deadline(), at(10s));
  h.quiet_for(-5s);
  EXPECT_GT(h.deadline(), at(0s)) << "nonsense does not make it ping without end";
}

}  // namespace
}  // namespace tidewire::realtime
