#include <tidewire/core/rng.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace tidewire {
namespace {

constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
constexpr auto highest = std::numeric_limits<std::int64_t>::max();

std::vector<std::uint64_t> draw(rng r, int n) {
  std::vector<std::uint64_t> out;
  for (int i = 0; i < n; ++i) out.push_back(r());
  return out;
}

// The published test values of xoshiro256** seeded by SplitMix64 with 0: a changed generator would
// silently invalidate every recorded simulation seed.
TEST(rng, gives_the_published_sequence) {
  std::vector<std::uint64_t> known{11091344671253066420U, 13793997310169335082U,
                                   1900383378846508768U, 7684712102626143532U};
  EXPECT_EQ(draw(rng(0), 4), known);
}

TEST(rng, the_same_seed_gives_the_same_draws_and_another_seed_others) {
  EXPECT_EQ(draw(rng(7), 100), draw(rng(7), 100));
  EXPECT_NE(draw(rng(7), 100), draw(rng(8), 100));
}

TEST(rng, a_further_draw_at_one_site_leaves_the_streams_alone) {
  rng untouched(7);
  rng drawn_from(7);
  for (int i = 0; i < 1000; ++i) drawn_from();
  EXPECT_EQ(draw(untouched.stream("net"), 100), draw(drawn_from.stream("net"), 100));

  auto net = drawn_from.stream("net");
  auto disk = drawn_from.stream("disk");
  auto expected = draw(disk, 100);
  net();
  EXPECT_EQ(draw(disk, 100), expected);
}

TEST(rng, streams_differ_by_name_from_each_other_and_from_their_parent) {
  for (std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    rng parent(seed);
    std::set<std::uint64_t> first{parent.stream("")()};
    std::vector<std::string> names{"a",
                                   "b",
                                   "aa",
                                   "ab",
                                   "ba",
                                   "net.latency",
                                   "net.loss",
                                   std::string(1, '\0'),
                                   std::string(2, '\0')};
    for (auto& name : names) EXPECT_TRUE(first.insert(parent.stream(name)()).second) << name;
    EXPECT_TRUE(first.insert(parent.stream("a").stream("b")()).second);
    EXPECT_TRUE(first.insert(parent.stream("b").stream("a")()).second);
    EXPECT_TRUE(first.insert(rng(seed)()).second) << "a stream is the parent itself";
  }
}

TEST(rng, between_stays_inside_and_reaches_both_ends) {
  rng random(3);
  std::array<int, 6> seen{};
  for (int i = 0; i < 6000; ++i) {
    auto value = random.between(-2, 3);
    ASSERT_GE(value, -2);
    ASSERT_LE(value, 3);
    ++seen[static_cast<std::size_t>(value + 2)];
  }
  // Each is expected 1000 times with a deviation of 29.
  for (auto count : seen) EXPECT_NEAR(count, 1000, 200);
}

TEST(rng, between_takes_the_extremes) {
  rng random(4);
  bool negative = false, positive = false;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(random.between(5, 5), 5);
    EXPECT_EQ(random.between(lowest, lowest), lowest);
    EXPECT_EQ(random.between(highest, highest), highest);
    EXPECT_GE(random.between(highest - 1, highest), highest - 1);
    EXPECT_LE(random.between(lowest, lowest + 1), lowest + 1);
    EXPECT_LE(random.between(lowest, -1), -1);
    EXPECT_GE(random.between(0, highest), 0);
    auto any = random.between(lowest, highest);
    negative = negative || any < 0;
    positive = positive || any > 0;
  }
  EXPECT_TRUE(negative && positive);
}

TEST(rng, chance_is_never_always_and_in_proportion) {
  rng random(5);
  int hits = 0;
  for (int i = 0; i < 100'000; ++i) {
    EXPECT_FALSE(random.chance_ppm(0));
    EXPECT_TRUE(random.chance_ppm(1'000'000));
    EXPECT_TRUE(random.chance_ppm(std::numeric_limits<std::uint32_t>::max()));
    if (random.chance_ppm(250'000)) ++hits;
  }
  EXPECT_NEAR(hits, 25'000, 1000);  // the deviation is 137
}

TEST(rng, entropy_differs_each_time) {
  EXPECT_NE(draw(rng::from_entropy(), 4), draw(rng::from_entropy(), 4));
}

}  // namespace
}  // namespace tidewire
