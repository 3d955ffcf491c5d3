#pragma once

#include <tidewire/core/rng.hpp>

#include <chrono>
#include <cstdint>

namespace tidewire {

// Exponential backoff with full jitter: delay n is drawn uniformly from
// [floor, min(cap, base * factor^n)]. The spread is kept at the cap: clients that failed together
// do not come back together. (Source: "Exponential Backoff And Jitter", AWS Architecture Blog,
// 2015.)
struct backoff {
  std::chrono::nanoseconds floor = std::chrono::nanoseconds(0);
  std::chrono::nanoseconds base = std::chrono::seconds(1);
  std::chrono::nanoseconds cap = std::chrono::seconds(30);
  double factor = 2.0;

  // `attempt` counts failures so far, from 0. Always within [floor, cap], for any arguments:
  // negative times count as 0, a factor below 1 as 1, one that is no number as endless growth, and
  // of a floor above the cap the floor is kept.
  std::chrono::nanoseconds delay(std::uint32_t attempt, rng& random) const;
};

}  // namespace tidewire
