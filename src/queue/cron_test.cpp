#include <tidewire/queue/cron.hpp>

#include <gtest/gtest.h>

namespace tidewire::queue {
namespace {

using namespace std::chrono;

sys_seconds at(int y, unsigned m, unsigned d, int hour = 0, int minute = 0, int second = 0) {
  return sys_days(year(y) / month(m) / day(d)) + hours(hour) + minutes(minute) + seconds(second);
}

sys_seconds next(std::string_view text, sys_seconds after) {
  auto c = cron_schedule::parse(text);
  EXPECT_TRUE(c) << text;
  return c ? c->next(after) : sys_seconds::min();
}

TEST(cron_test, finds_the_next_tick) {
  EXPECT_EQ(next("* * * * *", at(2024, 1, 1)), at(2024, 1, 1, 0, 1));
  EXPECT_EQ(next("* * * * *", at(2024, 1, 1, 0, 0, 59)), at(2024, 1, 1, 0, 1));
  EXPECT_EQ(next("30 4 * * *", at(2024, 1, 1, 4, 30)), at(2024, 1, 2, 4, 30));
  EXPECT_EQ(next("*/20 * * * *", at(2024, 1, 1, 23, 40)), at(2024, 1, 2));
  EXPECT_EQ(next("5/20 * * * *", at(2024, 1, 1, 0, 6)), at(2024, 1, 1, 0, 25));
  EXPECT_EQ(next("0 9-17/4 * * mon-FRI", at(2024, 1, 5, 17)), at(2024, 1, 8, 9));
  EXPECT_EQ(next("0 0 1,15 jan,Jul *", at(2024, 1, 15)), at(2024, 7, 1));
  EXPECT_EQ(next("0 0 29 2 *", at(2024, 3, 1)), at(2028, 2, 29));
  EXPECT_EQ(next("0 0 29 2 *", at(2096, 3, 1)), at(2104, 2, 29));
  EXPECT_EQ(next("0 0 * * 7", at(2024, 1, 1)), at(2024, 1, 7)) << "Sunday";
  EXPECT_EQ(next("0 0 13 * 5", at(2024, 1, 1)), at(2024, 1, 5)) << "either day matches";
  EXPECT_EQ(next("59 23 31 12 *", at(2023, 12, 31, 23, 59)), at(2024, 12, 31, 23, 59));
}

TEST(cron_test, knows_the_short_forms) {
  EXPECT_EQ(next("@yearly", at(2024, 1, 1)), at(2025, 1, 1));
  EXPECT_EQ(next("@monthly", at(2024, 1, 31)), at(2024, 2, 1));
  EXPECT_EQ(next("@weekly", at(2024, 1, 1)), at(2024, 1, 7));
  EXPECT_EQ(next("@daily", at(2024, 1, 1)), at(2024, 1, 2));
  EXPECT_EQ(next("@hourly", at(2024, 1, 1, 3, 3)), at(2024, 1, 1, 4));
  EXPECT_EQ(next("@every 1h30m", at(2024, 1, 1, 1, 30)) - at(2024, 1, 1, 1, 30), minutes(90));
  EXPECT_EQ(next("@every 10s", at(2024, 1, 1, 0, 0, 3)), at(2024, 1, 1, 0, 0, 10));
}

TEST(cron_test, finds_the_last_tick) {
  auto c = *cron_schedule::parse("30 4 * * *");
  EXPECT_EQ(c.last(at(2024, 1, 2, 4, 30)), at(2024, 1, 2, 4, 30));
  EXPECT_EQ(c.last(at(2024, 1, 2, 4, 29)), at(2024, 1, 1, 4, 30));
  EXPECT_EQ(cron_schedule::parse("0 0 29 2 *")->last(at(2026, 6, 1)), std::nullopt);
  EXPECT_EQ(cron_schedule::parse("@every 10s")->last(at(2024, 1, 1, 0, 0, 19)),
            at(2024, 1, 1, 0, 0, 10));
}

TEST(cron_test, refuses_what_is_none) {
  for (auto text : {"",
                    "* * * *",
                    "* * * * * *",
                    "60 * * * *",
                    "* 24 * * *",
                    "* * 0 * *",
                    "* * 32 * *",
                    "* * * 13 *",
                    "* * * * 8",
                    "5-3 * * * *",
                    "*/0 * * * *",
                    "a * * * *",
                    "1, * * * *",
                    "-1 * * * *",
                    "@sometimes",
                    "@every",
                    "@every 0s",
                    "@every 5",
                    "@every -5s",
                    "@every 99999999999s",
                    "* * * foo *",
                    "1-2-3 * * * *"})
    EXPECT_EQ(cron_schedule::parse(text).error(), errc::bad_cron) << text;
  EXPECT_EQ(cron_schedule::parse(std::string(1000, '*')).error(), errc::bad_cron);
}

TEST(cron_test, refuses_what_never_fires) {
  for (auto text : {"0 0 30 2 *", "0 0 31 4,6,9,11 *"})
    EXPECT_EQ(cron_schedule::parse(text).error(), errc::cron_never_fires) << text;
  EXPECT_TRUE(cron_schedule::parse("0 0 30 2 1")) << "a Monday will do";
}

}  // namespace
}  // namespace tidewire::queue
