#include "mail/smtp_reply.hpp"

#include <gtest/gtest.h>

namespace tidewire::mail {
namespace {

smtp_reply only(std::string_view bytes) {
  smtp_reply_reader reader;
  EXPECT_TRUE(reader.feed(bytes));
  auto whole = reader.take();
  EXPECT_TRUE(whole) << bytes;
  EXPECT_TRUE(reader.empty());
  return whole.value_or(smtp_reply());
}

TEST(smtp_reply, lines_become_one_text) {
  auto one = only("250 2.1.0 Ok\r\n");
  EXPECT_EQ(one.code, 250u);
  EXPECT_EQ(one.text, "2.1.0 Ok");
  EXPECT_EQ(one.enhanced(), "2.1.0");
  auto many = only("550-5.1.1 No such\r\n550-5.1.1 user\r\n550 5.1.1 here\r\n");
  EXPECT_EQ(many.code, 550u);
  EXPECT_EQ(many.text, "5.1.1 No such user here");
  EXPECT_EQ(only("250\r\n").text, "");
  EXPECT_EQ(only("250 ok\n").code, 250u);
}

TEST(smtp_reply, may_come_in_any_pieces) {
  std::string whole = "250-a\r\n250 b\r\n";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    smtp_reply_reader reader;
    EXPECT_TRUE(reader.feed(whole.substr(0, cut)));
    if (cut < whole.size()) {
      EXPECT_FALSE(reader.take());
    }
    EXPECT_TRUE(reader.feed(whole.substr(cut)));
    auto reply = reader.take();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->text, "a b");
  }
}

TEST(smtp_reply, an_answer_too_many_is_seen) {
  smtp_reply_reader reader;
  EXPECT_TRUE(reader.feed("250 a\r\n250 b\r\n"));
  EXPECT_TRUE(reader.take());
  EXPECT_FALSE(reader.empty());
}

TEST(smtp_reply, what_is_no_smtp_is_refused) {
  for (std::string bad : {"HTTP/1.1 400 Bad\r\n", "25 x\r\n", "250x\r\n", "\r\n",
                          "250-a\r\n251 b\r\n", "099 x\r\n", "2500 x\r\n"}) {
    smtp_reply_reader reader;
    EXPECT_FALSE(reader.feed(bad)) << bad;
    EXPECT_FALSE(reader.feed("250 ok\r\n")) << "nothing mends it";
  }
}

TEST(smtp_reply, is_bounded) {
  smtp_reply_reader reader;
  EXPECT_FALSE(reader.feed("250 " + std::string(smtp_reply_reader::max_line_bytes, 'x')));
  smtp_reply_reader other;
  std::string lines;
  for (std::size_t i = 0; i <= smtp_reply_reader::max_lines; ++i) lines += "250-x\r\n";
  EXPECT_FALSE(other.feed(lines));
}

TEST(smtp_reply, enhanced_codes_are_of_the_replys_class) {
  for (auto [text, code] :
       {std::pair("550 5.7.1 no", "5.7.1"), std::pair("550 4.7.1 no", ""),
        std::pair("550 5.7 no", ""), std::pair("550 5.7.1234 no", ""),
        std::pair("550 5.7.1x no", ""), std::pair("550 5.7.1", "5.7.1"), std::pair("550 no", "")})
    EXPECT_EQ(only(std::string(text) + "\r\n").enhanced(), code) << text;
}

TEST(smtp_reply, control_characters_are_not_handed_on) {
  EXPECT_EQ(only("250 a\x1b[31m\rb\r\n").text, "a?[31m?b");
}

}  // namespace
}  // namespace tidewire::mail
