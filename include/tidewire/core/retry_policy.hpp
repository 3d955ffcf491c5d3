#pragma once

#include <tidewire/core/backoff.hpp>
#include <tidewire/core/types.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace tidewire {

// Whether, and when, to try again. A pure decision: it takes time and randomness as arguments.
struct retry_policy {
  // Tries in all, the first one included.
  std::uint32_t max_attempts = 4;
  backoff delays{};
  // The longest Retry-After that is honoured; a longer one is cut to this.
  std::chrono::nanoseconds max_retry_after = std::chrono::minutes(10);

  // `attempts` were made and the last ended with `error`. No value: give up. Only
  // condition::retryable is ever retried. A server's Retry-After is a lower bound: the delay drawn
  // is added to it, or all the clients it was told to would come back in the same instant.
  std::optional<std::chrono::nanoseconds> next(std::uint32_t attempts, const error_code& error,
                                               std::optional<std::chrono::nanoseconds> retry_after,
                                               rng& random) const;
};

}  // namespace tidewire
