#pragma once

#include <tidewire/core/clock.hpp>

#include <algorithm>
#include <chrono>

namespace tidewire::server {

// How often something may happen: `per_second` on average, `burst` at once.
class token_bucket {
 public:
  token_bucket(double per_second, double burst, clock::time_point now)
      : per_second_(std::max(per_second, 1e-3)),
        burst_(std::max(burst, 1.0)),
        tokens_(burst_),
        filled_(now) {}

  // Zero: it may happen, and counts. Else when to ask again; nothing was counted.
  clock::duration take(clock::time_point now) {
    auto passed = std::chrono::duration<double>(std::max(now - filled_, clock::duration(0)));
    tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
    filled_ = std::max(filled_, now);
    if (tokens_ >= 1) {
      tokens_ -= 1;
      return clock::duration(0);
    }
    std::chrono::duration<double> left((1 - tokens_) / per_second_);
    return std::chrono::ceil<std::chrono::milliseconds>(left);
  }

  bool full(clock::time_point now) const {
    auto passed = std::chrono::duration<double>(now - filled_);
    return tokens_ + passed.count() * per_second_ >= burst_;
  }

 private:
  double per_second_, burst_, tokens_;
  clock::time_point filled_;
};

}  // namespace tidewire::server
