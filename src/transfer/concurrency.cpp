#include "transfer/concurrency.hpp"

#include <algorithm>

namespace tidewire::transfer {
namespace {

constexpr auto window = std::chrono::seconds(1);
// A step must bring this much more, or it was the last one.
constexpr double worthwhile_gain = 1.15;
// With less than this left a further connection would not earn its handshake.
constexpr double worthwhile_seconds = 2.0;

}  // namespace

concurrency concurrency::fixed(unsigned count) {
  concurrency c;
  c.target_ = c.maximum_ = std::max(count, 1U);
  return c;
}

concurrency concurrency::adaptive(unsigned maximum, clock::time_point start) {
  concurrency c;
  c.maximum_ = std::max(maximum, 1U);
  c.settled_ = c.maximum_ == 1;
  c.window_start_ = start;
  return c;
}

void concurrency::observe(std::uint64_t received_bytes, std::uint64_t left_bytes,
                          clock::time_point now) {
  if (settled_ || now - window_start_ < window) return;
  std::chrono::duration<double> passed = now - window_start_;
  auto rate = static_cast<double>(received_bytes - std::min(window_bytes_, received_bytes)) /
              passed.count();
  window_start_ = now;
  window_bytes_ = received_bytes;
  if (rate <= 0) return;  // a pause says nothing about the link
  bool gained = last_rate_ == 0 || rate >= last_rate_ * worthwhile_gain;
  last_rate_ = rate;
  if (!gained) {
    settled_ = true;
    return;
  }
  if (static_cast<double>(left_bytes) / rate < worthwhile_seconds) return;
  target_ = std::min(target_ * 2, maximum_);
  settled_ = target_ == maximum_;
}

void concurrency::halve(clock::time_point asked, clock::time_point now) {
  if (asked < halved_) return;
  halved_ = now;
  target_ = std::max(target_ / 2, 1U);
  maximum_ = target_;
  settled_ = true;
}

}  // namespace tidewire::transfer
