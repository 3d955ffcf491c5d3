#include "timeline.hpp"

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

namespace tidewire::demo {
namespace {

TEST(timeline_test, a_state_that_stays_is_one_bar) {
  state_bars bars;
  bars.become("polling", 10);
  bars.become("polling", 20);
  bars.become("websocket", 30);
  EXPECT_EQ(boost::json::serialize(bars.json()),
            R"([{"at_ms":10,"state":"polling"},{"at_ms":30,"state":"websocket"}])");
}

TEST(timeline_test, the_oldest_bars_go) {
  state_bars bars;
  for (std::size_t i = 0; i < state_bars::max_bars + 3; ++i)
    bars.become(i % 2 ? "a" : "b", static_cast<std::int64_t>(i));
  auto json = bars.json();
  ASSERT_EQ(json.size(), state_bars::max_bars);
  EXPECT_EQ(json[0].as_object().at("at_ms").as_int64(), 3);
}

TEST(timeline_test, marks_are_numbered_and_the_oldest_go) {
  event_marks marks;
  for (std::size_t i = 0; i < event_marks::max_marks + 2; ++i) marks.add("cut", "cut", 7);
  auto json = marks.json();
  ASSERT_EQ(json.size(), event_marks::max_marks);
  EXPECT_EQ(json[0].as_object().at("seq").as_uint64(), 3);
}

}  // namespace
}  // namespace tidewire::demo
