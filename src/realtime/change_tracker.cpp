#include "realtime/change_tracker.hpp"

#include <algorithm>

namespace tidewire::realtime {
namespace {

using namespace std::chrono_literals;

// Two polls an expected gap: a change is then seen after a quarter of a gap on the average.
constexpr int polls_per_gap = 2;
// A shorter gap than expected is believed sooner than a longer one: late is worse than often.
constexpr double weight_of_shorter = 0.5, weight_of_longer = 0.25;

// The steps of the lesson.
constexpr auto recent = 1min, some_time_ago = 5min;
constexpr std::chrono::nanoseconds least_when_recent = 2s;

}  // namespace

change_tracker::change_tracker(const poll_bounds& bounds, adaptation mode)
    : bounds_(bounds), mode_(mode), expected_gap_(bounds.interval * polls_per_gap) {}

void change_tracker::observe(bool changed, clock::time_point now) {
  if (last_ && now > *last_) {
    auto passed = std::min<ns>(now - *last_, bounds_.cap * polls_per_gap);
    // More quiet than this makes no difference, and must not overflow.
    quiet_ =
        std::min<ns>(quiet_ + passed, std::max<ns>(bounds_.cap * polls_per_gap, some_time_ago));
  }
  last_ = now;
  if (!changed) return;
  // The first change is only the first answer: no gap ends with it.
  if (changed_before_) learn(quiet_);
  changed_before_ = true;
  quiet_ = ns(0);
}

// One long silence must not outweigh the busy minute that follows it.
void change_tracker::learn(ns gap) {
  gap = std::min(gap, bounds_.ceiling * polls_per_gap);
  auto weight = gap < expected_gap_ ? weight_of_shorter : weight_of_longer;
  expected_gap_ += poll_bounds::scaled(gap - expected_gap_, weight);
}

std::chrono::nanoseconds change_tracker::interval() const {
  switch (mode_) {
    case adaptation::gaps:
      return by_gaps();
    case adaptation::activity:
      return by_activity();
    case adaptation::none:
      break;
  }
  return bounds_.interval;
}

// The gap under way is at least as long as the quiet so far.
std::chrono::nanoseconds change_tracker::by_gaps() const {
  return std::clamp(std::max(expected_gap_, quiet_) / polls_per_gap, bounds_.min, bounds_.ceiling);
}

std::chrono::nanoseconds change_tracker::by_activity() const {
  if (quiet_ < recent)
    return std::min(std::max(bounds_.interval, least_when_recent), bounds_.ceiling);
  if (quiet_ < some_time_ago) return bounds_.interval;
  return std::min(bounds_.interval * 2, bounds_.ceiling);
}

}  // namespace tidewire::realtime
