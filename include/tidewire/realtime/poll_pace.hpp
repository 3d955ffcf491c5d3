#pragma once

#include <chrono>
#include <cstdint>

namespace tidewire::realtime {

// What makes a healthy poller slower or faster.
enum class adaptation {
  gaps,      // follows the observed time between changes: two polls an expected gap
  activity,  // three steps, by the time since the last change: see poll_pace::interval
  none,      // always `interval`
};

// How often is asked. Pure numbers; unusable ones count as the nearest usable (stated with each).
struct poll_pace {
  // Between the end of a poll and the begin of the next, at the start and while things change
  // often. adaptation::activity keeps it for 5 minutes after a change (for the first of them at
  // least 2 s) and doubles it after that. At least 1 ms.
  std::chrono::nanoseconds interval = std::chrono::seconds(5);
  // adaptation::gaps never goes below this. Zero: `interval`, so that nobody is asked more often
  // than was said. At most `interval`.
  std::chrono::nanoseconds min_interval = std::chrono::nanoseconds(0);
  // No delay is longer, but for a Retry-After. A healthy poller stays below it by the factor
  // `multiplier`, so that there is always room for errors to be slower, and spread. At least
  // interval * multiplier.
  std::chrono::nanoseconds max_interval = std::chrono::seconds(60);
  // After the n-th error in a row the delay is drawn from [healthy interval, healthy interval *
  // multiplier^n], the latter at most max_interval. From 1.1 to 100.
  double multiplier = 1.5;
  // So many failed polls in a row end the polling; 0: nothing does.
  std::uint32_t max_consecutive_errors = 5;
  adaptation adapts = adaptation::gaps;
  // The longest Retry-After that is honoured; a longer one is cut to this.
  std::chrono::nanoseconds max_retry_after = std::chrono::minutes(10);
};

}  // namespace tidewire::realtime
