#include <tidewire/core/backoff.hpp>

#include <algorithm>
#include <cmath>

namespace tidewire {

std::chrono::nanoseconds backoff::delay(std::uint32_t attempt, rng& random) const {
  using ns = std::chrono::nanoseconds;
  auto low = std::max(floor, ns(0));
  auto limit = std::max(cap, low);
  auto high = low;
  if (base > ns(0)) {
    // In doubles, where the power overflows to infinity rather than to something small. Written so
    // that a NaN takes the cautious way, the limit.
    auto grown = static_cast<double>(base.count()) * std::pow(std::max(factor, 1.0), attempt);
    high = limit;
    if (grown < static_cast<double>(limit.count()))
      high = std::clamp(ns(static_cast<std::int64_t>(grown)), low, limit);
  }
  return ns(random.between(low.count(), high.count()));
}

}  // namespace tidewire
