#pragma once

#include <tidewire/core/clock.hpp>

#include <cstdint>

namespace tidewire::transfer {

// Spreads bytes over time: what was taken too fast is paid for by waiting. Pure.
class rate_limiter {
 public:
  explicit rate_limiter(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}

  bool enabled() const { return rate_ > 0; }

  // How long to wait before the next bytes; zero: take them now.
  clock::duration wait(clock::time_point now) const {
    return enabled() && paid_until_ > now ? paid_until_ - now : clock::duration(0);
  }

  void take(std::uint64_t bytes, clock::time_point now) {
    if (!enabled()) return;
    // Time that passed unused is not saved up: a pause gives no right to a burst.
    if (paid_until_ < now) paid_until_ = now;
    auto cost = static_cast<double>(bytes) / static_cast<double>(rate_);
    paid_until_ += std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(cost));
  }

  // Reads small enough for about twenty pauses a second.
  std::size_t sensible_buffer() const;

 private:
  std::uint64_t rate_;
  clock::time_point paid_until_{};
};

inline std::size_t rate_limiter::sensible_buffer() const {
  if (!enabled()) return 0;
  constexpr std::uint64_t least = 4 * 1024, most = 512 * 1024;
  auto twentieth = rate_ / 20;
  return static_cast<std::size_t>(twentieth < least ? least : twentieth > most ? most : twentieth);
}

}  // namespace tidewire::transfer
