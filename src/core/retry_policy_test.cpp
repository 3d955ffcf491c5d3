#include <tidewire/core/error.hpp>
#include <tidewire/core/retry_policy.hpp>

#include <boost/asio/error.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <optional>
#include <set>

namespace tidewire {
namespace {

using namespace std::chrono_literals;
using ns = std::chrono::nanoseconds;

const error_code reset = asio::error::connection_reset;

TEST(retry_policy, gives_up_after_the_last_attempt) {
  retry_policy policy{.max_attempts = 4};
  rng random(1);
  for (std::uint32_t made : {0U, 1U, 2U, 3U})
    EXPECT_TRUE(policy.next(made, reset, std::nullopt, random)) << made;
  for (std::uint32_t made : {4U, 5U, std::numeric_limits<std::uint32_t>::max()})
    EXPECT_FALSE(policy.next(made, reset, 1s, random)) << made;
  policy.max_attempts = 0;
  EXPECT_FALSE(policy.next(0, reset, std::nullopt, random));
}

TEST(retry_policy, retries_only_what_is_retryable) {
  retry_policy policy;
  rng random(1);
  EXPECT_TRUE(policy.next(1, errc::timed_out, std::nullopt, random));
  for (error_code ec :
       {error_code(), error_code(errc::stopped), error_code(errc::limit_exceeded),
        error_code(errc::invalid_argument), error_code(asio::error::operation_aborted),
        error_code(asio::error::host_not_found), error_code(asio::error::access_denied)})
    EXPECT_FALSE(policy.next(1, ec, 1s, random)) << ec.message();
}

TEST(retry_policy, the_first_retry_draws_from_the_base) {
  retry_policy policy{.delays = {.base = 1s, .cap = 100s}};
  rng random(2);
  ns first{}, second{};
  for (int i = 0; i < 1000; ++i) {
    first = std::max(first, *policy.next(1, reset, std::nullopt, random));
    second = std::max(second, *policy.next(2, reset, std::nullopt, random));
  }
  EXPECT_LE(first, 1s);
  EXPECT_GT(first, 900ms);
  EXPECT_LE(second, 2s);
  EXPECT_GT(second, 1800ms);
}

TEST(retry_policy, retry_after_is_a_lower_bound_and_keeps_the_spread) {
  retry_policy policy;
  rng random(3);
  std::set<ns> seen;
  for (int i = 0; i < 1000; ++i) {
    auto delay = policy.next(1, reset, 20s, random);
    ASSERT_GE(*delay, 20s);
    ASSERT_LE(*delay, 20s + policy.delays.cap);
    seen.insert(*delay);
  }
  EXPECT_GT(seen.size(), 900U) << "the clients that were told the same come back together";
}

TEST(retry_policy, an_absurd_retry_after_is_cut) {
  retry_policy policy{.max_retry_after = 10min};
  rng random(4);
  for (auto asked : {ns(1'000'000'000s), ns::max()}) {
    auto delay = policy.next(1, reset, asked, random);
    EXPECT_GE(*delay, 10min);
    EXPECT_LE(*delay, 10min + policy.delays.cap);
  }
  for (auto asked : {ns::min(), ns(-1s), ns(0)}) {
    auto delay = policy.next(1, reset, asked, random);
    EXPECT_GE(*delay, 0s);
    EXPECT_LE(*delay, policy.delays.cap);
  }
}

TEST(retry_policy, nothing_overflows) {
  retry_policy policy{.delays = {.floor = ns::max(), .cap = ns::max()},
                      .max_retry_after = ns::max()};
  rng random(5);
  EXPECT_EQ(policy.next(1, reset, ns::max(), random), ns::max());
  policy.max_retry_after = ns::min();
  policy.delays = {};
  EXPECT_LE(*policy.next(1, reset, ns::max(), random), policy.delays.cap);
}

}  // namespace
}  // namespace tidewire
