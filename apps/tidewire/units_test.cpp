#include "units.hpp"

#include <tidewire/core/rng.hpp>

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

using namespace std::chrono_literals;

TEST(parse_size, takes_numbers_and_binary_suffixes) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("1048577"), 1048577u);
  EXPECT_EQ(parse_size("1K"), 1024u);
  EXPECT_EQ(parse_size("1k"), 1024u);
  EXPECT_EQ(parse_size("2MiB"), 2u << 20);
  EXPECT_EQ(parse_size("2mb"), 2u << 20);
  EXPECT_EQ(parse_size("1.5G"), 1610612736u);
  EXPECT_EQ(parse_size("7B"), 7u);
  EXPECT_EQ(parse_size("9223372036854775807"), 9223372036854775807u);
}

TEST(parse_size, refuses_everything_else) {
  for (auto bad : {"", "-1", "+1", "K", "1X", "1KK", "1 K", "1e6", "nan", "inf", "0x10", "1.5", ".",
                   "1..5K", "8E", "9223372036854775808", "99999999999999999999", "1Ki", "1,5M"})
    EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(parse_duration, takes_the_usual_units) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("30"), 30s);
  EXPECT_EQ(parse_duration("1.5m"), 90s);
  EXPECT_EQ(parse_duration("10m"), 10min);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("1d"), 24h);
}

TEST(parse_duration, refuses_everything_else) {
  for (auto bad : {"", "s", "-3s", "3 s", "3y", "1e3s", "10000000d", "nan"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(format_size, rounds_and_never_grows_beyond_its_column) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1024), "1.0 KiB");
  EXPECT_EQ(format_size(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(format_size(12 * 1024 * 1024 + 400 * 1024), "12.4 MiB");
  EXPECT_EQ(format_size(UINT64_MAX), "16.0 EiB");
  rng random(3);
  for (int i = 0; i < 10'000; ++i)
    ASSERT_LE(format_size(random() >> random.between(0, 63)).size(), 8u);
}

TEST(format_rate, takes_any_number) {
  EXPECT_EQ(format_rate(0), "0 B/s");
  EXPECT_EQ(format_rate(-1), "0 B/s");
  EXPECT_EQ(format_rate(2.5 * 1024 * 1024), "2.5 MiB/s");
  EXPECT_LE(format_rate(1e300).size(), 10u);
}

TEST(format_clock, grows_with_the_time) {
  EXPECT_EQ(format_clock(7s), "0:07");
  EXPECT_EQ(format_clock(754s), "12:34");
  EXPECT_EQ(format_clock(5h), "5:00:00");
  EXPECT_EQ(format_clock(76h), "3d 04h");
  EXPECT_EQ(format_clock(std::chrono::seconds::max()), ">9999d");
  EXPECT_EQ(format_clock(-5s), "0:00");
}

TEST(format_duration, reads_as_a_person_would_say_it) {
  EXPECT_EQ(format_duration(250ms), "250 ms");
  EXPECT_EQ(format_duration(3270ms), "3.2 s");
  EXPECT_EQ(format_duration(245s), "4 min 05 s");
  EXPECT_EQ(format_duration(2h + 3min), "2 h 03 min");
}

}  // namespace
}  // namespace tidewire::cli
