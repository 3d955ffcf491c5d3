#pragma once

#include <tidewire/core/clock.hpp>

#include <cmath>
#include <cstdint>

namespace tidewire::transfer {

// Bytes per second, as an exponentially weighted mean over about `memory`. Pure.
class rate_meter {
 public:
  explicit rate_meter(clock::time_point start,
                      clock::duration memory = std::chrono::milliseconds(1500))
      : memory_(seconds(memory)), last_(start) {}

  void add(std::uint64_t bytes, clock::time_point now) {
    decay(now);
    weighted_bytes_ += static_cast<double>(bytes);
  }

  // 0 until something was added.
  double at(clock::time_point now) {
    decay(now);
    return weight_ > 0 ? weighted_bytes_ / weight_ : 0;
  }

 private:
  static double seconds(clock::duration d) { return std::chrono::duration<double>(d).count(); }

  // Old bytes and old time fade alike, so that the quotient is unbiased from the first moment on.
  void decay(clock::time_point now) {
    auto passed = seconds(now - last_);
    if (passed <= 0) return;
    last_ = now;
    auto keep = std::exp(-passed / memory_);
    weighted_bytes_ *= keep;
    weight_ = weight_ * keep + memory_ * (1 - keep);
  }

  double memory_;
  clock::time_point last_;
  double weighted_bytes_ = 0, weight_ = 0;
};

}  // namespace tidewire::transfer
