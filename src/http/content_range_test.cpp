#include "http/parse_test_support.hpp"

#include <tidewire/http/content_range.hpp>

#include <gtest/gtest.h>

namespace tidewire::http {
namespace {

TEST(content_range, reads_satisfied_forms) {
  auto r = content_range::parse("bytes 0-9/100");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->first, 0u);
  EXPECT_EQ(r->last, 9u);
  EXPECT_EQ(r->total, 100u);
  r = content_range::parse("Bytes 5-5/*");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->first, 5u);
  EXPECT_EQ(r->last, 5u);
  EXPECT_EQ(r->total, std::nullopt);
  EXPECT_TRUE(content_range::parse("bytes 0-9223372036854775806/9223372036854775807"));
}

TEST(content_range, reads_unsatisfied_form) {
  auto r = content_range::parse("bytes */100");
  ASSERT_TRUE(r);
  EXPECT_FALSE(r->first || r->last);
  EXPECT_EQ(r->total, 100u);
  EXPECT_TRUE(content_range::parse("bytes */0"));
}

TEST(content_range, refuses_what_is_malformed) {
  for (auto text : {"",
                    "bytes",
                    "bytes ",
                    "bytes 0-9",
                    "bytes 0-9/",
                    "bytes /9",
                    "bytes */*",
                    "bytes -/5",
                    "bytes 0-/5",
                    "bytes -4/5",
                    "bytes 9-0/100",
                    "bytes 0-100/100",
                    "bytes 0-9/100 ",
                    "bytes 0-9/100, bytes 10-19/100",
                    "bytes=0-9/100",
                    "bytes  0-9/100",
                    " bytes 0-9/100",
                    "bytes\t0-9/100",
                    "bytes +0-9/100",
                    "bytes 0x0-9/100",
                    "bytes 0--9/100",
                    "octets 0-9/100",
                    "items 0-9/100",
                    "bytes 0-9/100/100",
                    "bytes 0-18446744073709551616/*",
                    "bytes 0-9223372036854775808/*",
                    "bytes 0-99999999999999999999999999/*",
                    "bytes 18446744073709551616-18446744073709551617/*"})
    EXPECT_FALSE(content_range::parse(text)) << text;
  EXPECT_FALSE(content_range::parse(std::string_view("bytes 0-9/100\0", 14)));
}

TEST(content_range, whatever_is_accepted_is_consistent) {
  rng random(1);
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    auto text = testing::mutate("bytes 10-99/1000", "0123456789-/* ", random);
    auto r = content_range::parse(text);
    if (!r) continue;
    ++accepted;
    EXPECT_EQ(r->first.has_value(), r->last.has_value());
    if (r->first) {
      EXPECT_LE(*r->first, *r->last) << text;
      if (r->total) {
        EXPECT_LT(*r->last, *r->total) << text;
      }
    } else {
      EXPECT_TRUE(r->total) << text;
    }
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace tidewire::http
