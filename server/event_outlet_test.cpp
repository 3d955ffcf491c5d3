#include "event_outlet.hpp"

#include <gtest/gtest.h>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;

struct event_outlet_test : testing::Test {
  clock::time_point at(std::chrono::milliseconds t) const { return clock::time_point(1h + t); }
  std::string take(std::chrono::milliseconds t) {
    auto frame = outlet.take(at(t));
    return frame ? *frame : "";
  }
  void put(const char* topic, const char* text) {
    outlet.put(topic, std::make_shared<const std::string>(text));
  }
  event_outlet outlet{100ms, 10s, clock::time_point(1h)};
};

TEST_F(event_outlet_test, the_newest_state_wins_within_an_interval) {
  put("a", "1");
  EXPECT_EQ(take(0ms), "1");
  put("a", "2");
  put("a", "3");
  EXPECT_EQ(take(0ms), "");
  EXPECT_EQ(take(99ms), "");
  EXPECT_EQ(outlet.next(), at(100ms));
  EXPECT_EQ(take(100ms), "3");
  EXPECT_EQ(take(200ms), "");
}

TEST_F(event_outlet_test, what_changes_after_the_interval_is_due_at_once) {
  put("a", "1");
  take(0ms);
  put("a", "2");
  EXPECT_LE(outlet.next(), at(150ms));
  EXPECT_EQ(take(150ms), "2");
}

TEST_F(event_outlet_test, topics_take_turns) {
  put("a", "a1");
  put("b", "b1");
  put("c", "c1");
  EXPECT_EQ(take(0ms), "a1");
  EXPECT_EQ(take(0ms), "b1");
  put("a", "a2");
  put("b", "b2");
  // All are due at 200 ms; "c" has waited longest.
  EXPECT_EQ(take(200ms), "c1");
  EXPECT_EQ(take(200ms), "a2");
  EXPECT_EQ(take(200ms), "b2");
  EXPECT_EQ(take(200ms), "");
}

TEST_F(event_outlet_test, an_alive_breaks_a_long_silence_alone) {
  EXPECT_EQ(take(9999ms), "");
  EXPECT_EQ(outlet.next(), at(10s));
  EXPECT_EQ(take(10s), "event: alive\ndata: {}\n\n");
  EXPECT_EQ(take(10s), "");
  put("a", "1");
  EXPECT_EQ(take(19s), "1");
  EXPECT_EQ(take(20s), "");
  EXPECT_EQ(take(29s), "event: alive\ndata: {}\n\n");
}

TEST(format_event, keeps_every_line_in_the_event) {
  EXPECT_EQ(format_event("t", "{\"a\":1}"), "event: t\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(format_event("t", "a\nb\r\nevent: x\rretry: 0"),
            "event: t\ndata: a\ndata: b\ndata: event: xretry: 0\n\n");
}

}  // namespace
}  // namespace tidewire::server
