#pragma once

#include <tidewire/realtime/poll_pace.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace tidewire::realtime {

// A poll_pace whose numbers fit each other: min <= interval <= ceiling < cap.
struct poll_bounds {
  using ns = std::chrono::nanoseconds;

  explicit poll_bounds(const poll_pace& pace) {
    constexpr ns shortest = std::chrono::milliseconds(1), longest = std::chrono::hours(24 * 365);
    // Written so that a NaN takes the default.
    multiplier = pace.multiplier >= 1.1 && pace.multiplier <= 100 ? pace.multiplier
                 : pace.multiplier < 1.1                          ? 1.1
                 : pace.multiplier > 100                          ? 100
                                                                  : 1.5;
    interval = std::clamp(pace.interval, shortest, longest);
    min = pace.min_interval > ns(0) ? std::clamp(pace.min_interval, shortest, interval) : interval;
    cap = std::max(std::min(pace.max_interval, longest * 100), scaled(interval, multiplier));
    // Rounding must not push the ceiling under the interval.
    ceiling = std::max(interval, scaled(cap, 1 / multiplier));
  }

  static ns scaled(ns time, double factor) {
    return ns(static_cast<ns::rep>(std::llround(static_cast<double>(time.count()) * factor)));
  }

  ns min, interval, ceiling, cap;
  double multiplier;
};

}  // namespace tidewire::realtime
