#include "transfer/byte_ranges.hpp"

#include <tidewire/core/rng.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace tidewire::transfer {
namespace {

constexpr std::uint64_t universe = 48;

// The same set, as one flag for each byte.
class model {
 public:
  void set(byte_range r, bool value) {
    for (auto i = r.begin; i < std::min(r.end, universe); ++i) flags_[i] = value;
  }
  bool has(std::uint64_t i) const { return i < universe && flags_[i]; }
  bool all(byte_range r) const {
    for (auto i = r.begin; i < r.end; ++i) {
      if (!has(i)) return false;
    }
    return true;
  }
  std::uint64_t count() const {
    return static_cast<std::uint64_t>(std::count(flags_.begin(), flags_.end(), true));
  }
  std::uint64_t prefix() const {
    std::uint64_t n = 0;
    while (has(n)) ++n;
    return n;
  }

 private:
  std::vector<bool> flags_ = std::vector<bool>(universe);
};

byte_range draw(rng& random) {
  auto begin = static_cast<std::uint64_t>(random.between(0, universe - 1));
  // Now and then empty, now and then reversed: both are no bytes.
  auto end = random.chance_ppm(50'000) ? begin / 2
                                       : begin + static_cast<std::uint64_t>(random.between(0, 12));
  return {begin, std::min(end, universe)};
}

void expect_canonical(const range_set& set) {
  const byte_range* before = nullptr;
  for (auto& r : set.ranges()) {
    ASSERT_FALSE(r.empty());
    // Neither touching nor overlapping, and sorted.
    if (before) {
      ASSERT_LT(before->end, r.begin);
    }
    before = &r;
  }
}

void expect_equal(const range_set& set, const model& m, byte_range probe, std::uint64_t total) {
  expect_canonical(set);
  ASSERT_EQ(set.bytes(), m.count());
  ASSERT_EQ(set.prefix(), m.prefix());
  ASSERT_EQ(set.empty(), m.count() == 0);
  ASSERT_EQ(set.contains(probe), m.all(probe));
  for (std::uint64_t i = 0; i < universe; ++i) ASSERT_EQ(set.contains({i, i + 1}), m.has(i)) << i;
  std::vector<bool> missing(universe);
  for (auto& gap : set.gaps(total)) {
    ASSERT_FALSE(gap.empty());
    ASSERT_LE(gap.end, total);
    for (auto i = gap.begin; i < gap.end; ++i) missing[i] = true;
  }
  for (std::uint64_t i = 0; i < universe; ++i) ASSERT_EQ(missing[i], i < total && !m.has(i)) << i;
}

TEST(range_set, behaves_like_one_flag_for_each_byte) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    rng random(seed);
    range_set set;
    model m;
    for (int step = 0; step < 60; ++step) {
      auto r = draw(random);
      bool add = random.chance_ppm(600'000);
      if (add) {
        set.add(r);
      } else {
        set.remove(r);
      }
      m.set(r, add);
      auto total = static_cast<std::uint64_t>(random.between(0, universe));
      ASSERT_NO_FATAL_FAILURE(expect_equal(set, m, draw(random), total));
    }
  }
}

TEST(range_set, merges_what_touches) {
  range_set set;
  set.add({0, 10});
  set.add({20, 30});
  set.add({10, 20});
  EXPECT_EQ(set.ranges(), (std::vector<byte_range>{{0, 30}}));
}

TEST(range_set, holds_the_largest_offsets) {
  constexpr auto top = ~std::uint64_t{0};
  range_set set;
  set.add({top - 5, top});
  EXPECT_TRUE(set.contains({top - 1, top}));
  EXPECT_EQ(set.bytes(), 5U);
  EXPECT_EQ(set.gaps(top).size(), 1U);
  set.remove({0, top});
  EXPECT_TRUE(set.empty());
}

TEST(coarsened, keeps_the_widest_gaps_and_the_ends) {
  std::vector<byte_range> ranges{{0, 10}, {11, 20}, {50, 60}, {62, 70}, {90, 100}};
  EXPECT_EQ(coarsened(ranges, 5), ranges);
  EXPECT_EQ(coarsened(ranges, 9), ranges);
  EXPECT_EQ(coarsened(ranges, 4),
            (std::vector<byte_range>{{0, 20}, {50, 60}, {62, 70}, {90, 100}}));
  EXPECT_EQ(coarsened(ranges, 3), (std::vector<byte_range>{{0, 20}, {50, 70}, {90, 100}}));
  EXPECT_EQ(coarsened(ranges, 1), (std::vector<byte_range>{{0, 100}}));
  EXPECT_TRUE(coarsened(ranges, 0).empty());
  EXPECT_TRUE(coarsened({}, 3).empty());
}

}  // namespace
}  // namespace tidewire::transfer
