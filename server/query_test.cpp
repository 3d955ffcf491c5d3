#include "query.hpp"

#include "token_bucket.hpp"

#include <gtest/gtest.h>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;

TEST(query, decodes) {
  auto q = query::parse("a=1&b=x%20y+z&c=%c3%a9&&d&e=&f=a=b");
  ASSERT_TRUE(q);
  EXPECT_EQ(q->text("a"), "1");
  EXPECT_EQ(q->text("b"), "x y z");
  EXPECT_EQ(q->text("c"), "\xc3\xa9");
  EXPECT_EQ(q->text("d"), "");
  EXPECT_EQ(q->text("e"), "");
  EXPECT_EQ(q->text("f"), "a=b");
  EXPECT_FALSE(q->text("x"));
  EXPECT_EQ(*q->number("a", 5), 1u);
  EXPECT_EQ(*q->number("x", 5), 5u);
  for (auto name : {"b", "d", "f"}) EXPECT_FALSE(q->number(name, 5)) << name;
  EXPECT_TRUE(query::parse(""));
}

TEST(query, refuses) {
  for (auto bad : {"a=%", "a=%4", "a=%zz", "a=%-1", "a=%+1", "a=%ff", "a=%00", "a=%0a", "%c0%af=1",
                   "a=1&a=2", "a=1&%61=2", "a=%7f"})
    EXPECT_FALSE(query::parse(bad)) << bad;
}

TEST(token_bucket, lets_so_many_pass) {
  clock::time_point now{1h};
  token_bucket bucket(10, 3, now);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.take(now), 0ns);
  auto wait = bucket.take(now);
  EXPECT_EQ(wait, 100ms);
  EXPECT_FALSE(bucket.full(now));
  EXPECT_GT(bucket.take(now + wait - 1ms), 0ns);
  EXPECT_EQ(bucket.take(now + wait), 0ns) << "when it was told, it may";
  EXPECT_EQ(bucket.take(now), bucket.take(now)) << "a clock that goes back gives nothing away";
  EXPECT_TRUE(bucket.full(now + 10s));
  int passed = 0;
  for (auto t = now + 10s; t < now + 20s; t += 1ms) passed += bucket.take(t) == 0ns;
  EXPECT_NEAR(passed, 103, 1);
}

}  // namespace
}  // namespace tidewire::server
