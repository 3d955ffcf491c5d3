#include <tidewire/core/rng.hpp>
#include <tidewire/server/byte_range.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tidewire::server {
namespace {

using kind = range_selection::kind;
using ranges = std::vector<byte_range>;

struct row {
  const char* field;
  std::uint64_t size;
  kind what;
  ranges expected;
};

// The examples of RFC 9110, 14.1.2, and what the section says about the edges.
const row rows[] = {
    {"bytes=0-499", 10000, kind::partial, {{0, 499}}},
    {"bytes=500-999", 10000, kind::partial, {{500, 999}}},
    {"bytes=-500", 10000, kind::partial, {{9500, 9999}}},
    {"bytes=9500-", 10000, kind::partial, {{9500, 9999}}},
    {"bytes=0-0,-1", 10000, kind::partial, {{0, 0}, {9999, 9999}}},
    {"bytes= 0-999, 4500-5499, -1000",
     10000,
     kind::partial,
     {{0, 999}, {4500, 5499}, {9000, 9999}}},
    {"bytes=500-600,601-999", 10000, kind::partial, {{500, 999}}},
    {"bytes=500-700,601-999", 10000, kind::partial, {{500, 999}}},
    {"bytes=4500-5499,0-999", 10000, kind::partial, {{4500, 5499}, {0, 999}}},
    {"Bytes=1-2", 10, kind::partial, {{1, 2}}},
    {"bytes=0-99999999999999999999999", 10, kind::partial, {{0, 9}}},
    {"bytes=-99999999999999999999999", 10, kind::partial, {{0, 9}}},
    {"bytes=0-1,,5-6,", 10, kind::partial, {{0, 1}, {5, 6}}},
    {"bytes=99-,0-0", 10, kind::partial, {{0, 0}}},
    {"bytes=10-", 10, kind::unsatisfiable, {}},
    {"bytes=-0", 10, kind::unsatisfiable, {}},
    {"bytes=0-", 0, kind::unsatisfiable, {}},
    {"bytes=-5", 0, kind::unsatisfiable, {}},
    {"bytes=99999999999999999999999-", 10, kind::unsatisfiable, {}},
    {"bytes=5-4", 10, kind::whole, {}},
    {"bytes=0-1,5-4", 10, kind::whole, {}},
    {"items=0-1", 10, kind::whole, {}},
    {"bytes", 10, kind::whole, {}},
    {"bytes=", 10, kind::whole, {}},
    {"bytes=,", 10, kind::whole, {}},
    {"bytes=-", 10, kind::whole, {}},
    {"bytes=a-b", 10, kind::whole, {}},
    {"bytes=+1-2", 10, kind::whole, {}},
    {"bytes=1 - 2", 10, kind::whole, {}},
    {"bytes=0x1-2", 10, kind::whole, {}},
    {"bytes=1-2-3", 10, kind::whole, {}},
    {"bytes=--1", 10, kind::whole, {}},
    {"", 10, kind::whole, {}},
    // Three that overlap: an attack, or as good as one.
    {"bytes=0-,0-,0-", 10, kind::whole, {}},
};

TEST(select_ranges, follows_the_table) {
  for (const auto& r : rows) {
    auto got = select_ranges(r.field, r.size, 16);
    EXPECT_EQ(got.what, r.what) << r.field;
    EXPECT_EQ(got.ranges, r.expected) << r.field;
  }
}

TEST(select_ranges, many_ranges_give_the_whole) {
  std::string at_limit = "bytes=0-0", bomb = "bytes=0-";
  for (int i = 1; i < 16; ++i)
    at_limit += "," + std::to_string(i * 10) + "-" + std::to_string(i * 10);
  for (int i = 0; i < 1300; ++i) bomb += "," + std::to_string(i) + "-";
  EXPECT_EQ(select_ranges(at_limit, 1000, 16).ranges.size(), 16u);
  EXPECT_EQ(select_ranges(at_limit + ",500-500", 1000, 16).what, kind::whole);
  EXPECT_EQ(select_ranges(bomb, 1 << 20, 16).what, kind::whole);
  EXPECT_EQ(select_ranges(bomb, 1 << 20, 100000).what, kind::whole);
}

// Whatever comes in: the ranges lie inside, don't overlap, and never exceed the file in sum.
TEST(select_ranges, keeps_its_promises_for_random_input) {
  rng random(7);
  constexpr std::string_view alphabet = "0123456789-,-, =b";
  for (int round = 0; round < 20000; ++round) {
    std::string field = "bytes=";
    for (auto n = random.between(0, 24); n > 0; --n)
      field += alphabet[static_cast<std::size_t>(random.between(0, 16))];
    auto size = static_cast<std::uint64_t>(random.between(0, 200));
    auto got = select_ranges(field, size, 16);
    std::uint64_t sum = 0;
    for (const auto& r : got.ranges) {
      ASSERT_LE(r.first, r.last) << field;
      ASSERT_LT(r.last, size) << field;
      sum += r.size();
    }
    ASSERT_LE(sum, size) << field;
    ASSERT_EQ(got.what == kind::partial, !got.ranges.empty()) << field;
  }
}

}  // namespace
}  // namespace tidewire::server
