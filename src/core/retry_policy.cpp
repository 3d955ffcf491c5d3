#include <tidewire/core/error.hpp>
#include <tidewire/core/retry_policy.hpp>

#include <algorithm>

namespace tidewire {

std::optional<std::chrono::nanoseconds> retry_policy::next(
    std::uint32_t attempts, const error_code& error,
    std::optional<std::chrono::nanoseconds> retry_after, rng& random) const {
  if (attempts >= max_attempts || error != condition::retryable) return std::nullopt;
  auto delay = delays.delay(attempts == 0 ? 0 : attempts - 1, random);
  if (!retry_after) return delay;
  using ns = std::chrono::nanoseconds;
  auto asked = std::clamp(*retry_after, ns(0), std::max(max_retry_after, ns(0)));
  return delay > ns::max() - asked ? ns::max() : asked + delay;
}

}  // namespace tidewire
