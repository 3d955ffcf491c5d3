#include "http/parse_test_support.hpp"

#include <tidewire/http/entity_tag.hpp>

#include <gtest/gtest.h>

namespace tidewire::http {
namespace {

TEST(entity_tag, reads_strong_and_weak) {
  auto strong = entity_tag::parse("\"a,b\"");
  ASSERT_TRUE(strong);
  EXPECT_EQ(strong->opaque, "\"a,b\"");
  EXPECT_FALSE(strong->weak);
  auto weak = entity_tag::parse("W/\"\"");
  ASSERT_TRUE(weak);
  EXPECT_TRUE(weak->weak);
  EXPECT_EQ(weak->text(), "W/\"\"");
  EXPECT_TRUE(entity_tag::parse("\"\xff\x80\\\""));
}

TEST(entity_tag, refuses_what_is_malformed) {
  for (auto text : {"", "\"", "a", "a\"b\"", "\"a", "a\"", "\"a\"b", "\"a\" ", " \"a\"", "w/\"a\"",
                    "W/a", "W/", "W\"a\"", "\"a b\"", "\"a\"\"", "\"a\x7f\"", "\"a\r\n\"", "*"})
    EXPECT_FALSE(entity_tag::parse(text)) << text;
  EXPECT_FALSE(entity_tag::parse(std::string_view("\"\0\"", 3)));
}

TEST(entity_tag, reads_lists) {
  auto list = entity_tag::parse_list(" \"a,b\" ,W/\"c\",,\t\"d\", ");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ((*list)[0].opaque, "\"a,b\"");
  EXPECT_EQ((*list)[1].text(), "W/\"c\"");
  for (auto text : {"", ",", " , ", "\"a\" \"b\"", "\"a\",b", "\"a\",*", "*", "\"a\",\""})
    EXPECT_FALSE(entity_tag::parse_list(text)) << text;
}

TEST(entity_tag, comparison_table_of_the_rfc) {
  entity_tag w1{"\"1\"", true}, w2{"\"2\"", true}, s1{"\"1\"", false}, s2{"\"2\"", false};
  EXPECT_FALSE(strong_match(w1, w1));
  EXPECT_TRUE(weak_match(w1, w1));
  EXPECT_FALSE(weak_match(w1, w2));
  EXPECT_FALSE(strong_match(w1, s1));
  EXPECT_FALSE(strong_match(s1, w1));
  EXPECT_TRUE(weak_match(w1, s1));
  EXPECT_TRUE(strong_match(s1, s1));
  EXPECT_FALSE(strong_match(s1, s2));
}

TEST(entity_tag, accepted_text_is_written_back_unchanged) {
  rng random(2);
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    auto text = testing::mutate("W/\"abc\"", "W/\", a", random);
    entity_tag::parse_list(text);
    auto tag = entity_tag::parse(text);
    if (!tag) continue;
    ++accepted;
    EXPECT_EQ(tag->text(), text);
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace tidewire::http
