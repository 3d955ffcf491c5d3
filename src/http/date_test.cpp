#include "http/parse_test_support.hpp"

#include <tidewire/http/date.hpp>

#include <gtest/gtest.h>

namespace tidewire::http {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_seconds;
using std::chrono::system_clock;

constexpr sys_seconds example(784111777s);  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(http_date, reads_the_three_forms) {
  EXPECT_EQ(parse_date("Sun, 06 Nov 1994 08:49:37 GMT"), example);
  EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT"), example);
  EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994"), example);
  EXPECT_EQ(parse_date("Wed Nov 16 08:49:37 1994"), example + 240h);
  EXPECT_EQ(parse_date("Thu, 29 Feb 2024 23:59:60 GMT"), sys_seconds(1709251200s));
  EXPECT_EQ(parse_date("Thursday, 01-Jan-69 00:00:00 GMT"), sys_seconds(3124224000s));
}

TEST(http_date, writes_the_first_form) {
  EXPECT_EQ(format_date(example), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_date(sys_seconds(0s)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_date(sys_seconds::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(format_date(sys_seconds::min()), "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(http_date, round_trip) {
  rng random(3);
  for (int i = 0; i < 5'000; ++i) {
    sys_seconds when(std::chrono::seconds(random.between(-62'167'219'200, 253'402'300'799)));
    EXPECT_EQ(parse_date(format_date(when)), when);
  }
}

TEST(http_date, refuses_what_is_malformed) {
  for (auto text : {"",
                    "Sun",
                    "Sun, 06 Nov 1994 08:49:37",
                    "Sun, 06 Nov 1994 08:49:37 UTC",
                    "Sun, 6 Nov 1994 08:49:37 GMT",
                    "Sun, 06 nov 1994 08:49:37 GMT",
                    "Sun, 31 Feb 1994 08:49:37 GMT",
                    "Sun, 00 Nov 1994 08:49:37 GMT",
                    "Sun, 06 Nov 1994 24:00:00 GMT",
                    "Sun, 06 Nov 1994 08:60:37 GMT",
                    "Sun, 06 Nov 1994 08:49:61 GMT",
                    "Sun, 06 Nov 1994 08:49:37 GMT ",
                    "Sun, 06 Nov 19940 08:49:37 GMT",
                    "Sun, 06 Nov -994 08:49:37 GMT",
                    "Xxx, 06 Nov 1994 08:49:37 GMT",
                    "Sun, 06-Nov-94 08:49:37 GMT",
                    "Sunday, 06-Nov-1994 08:49:37 GMT",
                    "Sun Nov 6 08:49:37 1994",
                    "Sun Nov  6 08:49:37 94",
                    "Sun Nov  6 08:49:37 1994 GMT",
                    "784111777",
                    "1994-11-06T08:49:37Z"})
    EXPECT_FALSE(parse_date(text)) << text;
}

TEST(http_date, any_bytes_are_handled) {
  rng random(4);
  for (auto seed : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                    "Sun Nov  6 08:49:37 1994"})
    for (int i = 0; i < 20'000; ++i) {
      auto text = testing::mutate(seed, "0123456789 :,-GMT", random);
      if (auto date = parse_date(text)) {
        EXPECT_EQ(parse_date(format_date(*date)), date) << text;
      }
    }
}

TEST(retry_after, seconds) {
  auto now =
      system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(1700000000s));
  EXPECT_EQ(parse_retry_after("0", now, 600s), 0s);
  EXPECT_EQ(parse_retry_after("120", now, 600s), 120s);
  EXPECT_EQ(parse_retry_after("600", now, 600s), 600s);
  EXPECT_EQ(parse_retry_after("601", now, 600s), 600s);
  EXPECT_EQ(parse_retry_after("1", now, 500ms), 500ms);
  EXPECT_EQ(parse_retry_after("1000000000", now, 600s), 600s);
  EXPECT_EQ(parse_retry_after("1" + std::string(30, '0'), now, 600s), 600s);
  EXPECT_EQ(parse_retry_after("18446744073709551616", now, 600s), 600s);
  EXPECT_EQ(parse_retry_after("1000000000000", now, std::chrono::nanoseconds::max()),
            std::chrono::nanoseconds::max());
  EXPECT_EQ(parse_retry_after("5", now, -1s), 0s);
  for (auto text : {"", "-1", "+1", "1.5", "1s", " 1", "1 ", "soon", "0x10", "1e9"})
    EXPECT_FALSE(parse_retry_after(text, now, 600s)) << text;
}

TEST(retry_after, dates) {
  auto now = system_clock::time_point(example) + 250ms;
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now, 600s), 9750ms);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now, 600s), 0s);
  EXPECT_EQ(parse_retry_after("Sat, 05 Nov 1994 08:49:37 GMT", now, 600s), 0s);
  EXPECT_EQ(parse_retry_after("Mon, 01 Jan 0001 00:00:00 GMT", now, 600s), 0s);
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now, 600s), 600s);
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", system_clock::time_point::min(),
                              std::chrono::nanoseconds::max()),
            std::chrono::nanoseconds::max());
}

TEST(retry_after, is_never_negative_nor_above_the_cap) {
  rng random(5);
  auto now = system_clock::time_point(example);
  for (auto seed : {"120", "Sun, 06 Nov 1994 08:49:47 GMT"})
    for (int i = 0; i < 20'000; ++i) {
      auto delay = parse_retry_after(testing::mutate(seed, "0123456789 -", random), now, 600s);
      if (!delay) continue;
      EXPECT_GE(*delay, 0s);
      EXPECT_LE(*delay, 600s);
    }
}

}  // namespace
}  // namespace tidewire::http
