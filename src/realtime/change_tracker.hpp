#pragma once

#include "realtime/poll_bounds.hpp"

#include <tidewire/core/clock.hpp>

#include <optional>

namespace tidewire::realtime {

// What the answers so far say about how often something changes, and so about how long a healthy
// poller waits (law P5). Only observed time counts: what passed during errors, a pause or offline
// is neither a gap nor quiet. Pure.
class change_tracker {
 public:
  using ns = std::chrono::nanoseconds;

  change_tracker(const poll_bounds& bounds, adaptation mode);

  // A usable answer came.
  void observe(bool changed, clock::time_point now);
  // A change that was learnt of elsewhere.
  void note_change() { quiet_ = ns(0); }
  // What passes until the next answer is not observed.
  void interrupt() { last_.reset(); }

  // Within [min, ceiling] of the bounds.
  ns interval() const;

 private:
  ns by_gaps() const;
  ns by_activity() const;
  void learn(ns gap);

  poll_bounds bounds_;
  adaptation mode_;
  std::optional<clock::time_point> last_;  // answer, unless interrupted since
  ns quiet_{0};                            // observed since the last change
  ns expected_gap_;
  bool changed_before_ = false;
};

}  // namespace tidewire::realtime
