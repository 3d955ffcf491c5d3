#include <tidewire/core/backoff.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

namespace tidewire {
namespace {

using namespace std::chrono_literals;
using ns = std::chrono::nanoseconds;

TEST(backoff, grows_from_the_base_to_the_cap) {
  backoff policy{.base = 1s, .cap = 30s};
  rng random(1);
  std::vector<ns> limits{1s, 2s, 4s, 8s, 16s, 30s, 30s, 30s};
  for (std::uint32_t attempt = 0; attempt < limits.size(); ++attempt) {
    ns longest{};
    for (int i = 0; i < 2000; ++i) longest = std::max(longest, policy.delay(attempt, random));
    EXPECT_LE(longest, limits[attempt]) << attempt;
    EXPECT_GT(longest, limits[attempt] * 9 / 10) << attempt;
  }
}

TEST(backoff, keeps_its_whole_spread_at_the_cap) {
  backoff policy{.floor = 10s, .base = 1s, .cap = 30s};
  rng random(2);
  for (std::uint32_t attempt : {10U, 1000U, std::numeric_limits<std::uint32_t>::max()}) {
    std::vector<int> thirds(3);
    for (int i = 0; i < 3000; ++i) {
      auto delay = policy.delay(attempt, random);
      ASSERT_GE(delay, 10s);
      ASSERT_LE(delay, 30s);
      ++thirds[static_cast<std::size_t>(std::min<std::int64_t>((delay - 10s) * 3 / 20s, 2))];
    }
    for (auto count : thirds) EXPECT_NEAR(count, 1000, 200) << attempt;
  }
}

TEST(backoff, stays_inside_floor_and_cap_for_hostile_arguments) {
  std::vector<ns> times{ns::min(), -1s, -1ns, 0ns, 1ns, 1s, 30s, ns::max() - 1ns, ns::max()};
  std::vector<double> factors{
      -std::numeric_limits<double>::infinity(), -1e300,      -2, 0, 0.5, 1, 2, 1e300,
      std::numeric_limits<double>::infinity(),  std::nan("")};
  std::vector<std::uint32_t> attempts{
      0, 1, 63, 64, 1'000'000'000, std::numeric_limits<std::uint32_t>::max()};
  rng random(3);
  for (auto floor : times)
    for (auto base : times)
      for (auto cap : times)
        for (auto factor : factors)
          for (auto attempt : attempts) {
            backoff policy{.floor = floor, .base = base, .cap = cap, .factor = factor};
            auto delay = policy.delay(attempt, random);
            // Negative times count as 0, and of a floor above the cap the floor is kept.
            auto low = std::max(floor, 0ns);
            ASSERT_GE(delay, low) << attempt << ' ' << factor << ' ' << base.count();
            ASSERT_LE(delay, std::max(cap, low)) << attempt << ' ' << factor << ' ' << base.count();
          }
}

TEST(backoff, a_factor_below_one_does_not_shrink_and_no_base_is_no_delay) {
  rng random(4);
  backoff shrinking{.base = 1s, .cap = 30s, .factor = 0.01};
  ns longest{};
  for (int i = 0; i < 1000; ++i) longest = std::max(longest, shrinking.delay(20, random));
  EXPECT_GT(longest, 900ms);
  backoff none{.base = 0s, .cap = 30s, .factor = std::numeric_limits<double>::infinity()};
  EXPECT_EQ(none.delay(20, random), 0ns);
}

TEST(backoff, a_factor_that_is_no_number_does_not_hammer) {
  rng random(5);
  backoff policy{.base = 1s, .cap = 30s, .factor = std::nan("")};
  std::set<ns> seen;
  for (int i = 0; i < 100; ++i) seen.insert(policy.delay(5, random));
  EXPECT_GT(*seen.rbegin(), 15s);
}

}  // namespace
}  // namespace tidewire
