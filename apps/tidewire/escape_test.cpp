#include "escape.hpp"

#include <tidewire/core/rng.hpp>

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

TEST(escape_terminal, leaves_ordinary_text_alone) {
  EXPECT_EQ(escape_terminal("report 2026 (final).pdf"), "report 2026 (final).pdf");
  EXPECT_EQ(escape_terminal("Größe 日本 🌊"), "Größe 日本 🌊");
}

TEST(escape_terminal, disarms_control_sequences) {
  EXPECT_EQ(escape_terminal("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(escape_terminal("\x1b]0;owned\x07"), "\\x1b]0;owned\\x07");
  EXPECT_EQ(escape_terminal("one\r\ntwo\t\x7f"), "one\\x0d\\x0atwo\\x09\\x7f");
  // CSI as a C1 control, in UTF-8 and as a bare byte.
  EXPECT_EQ(escape_terminal("\xc2\x9b"
                            "2J"),
            "\\xc2\\x9b"
            "2J");
  EXPECT_EQ(escape_terminal("\x9b"
                            "2J"),
            "\\x9b"
            "2J");
}

TEST(escape_terminal, shows_characters_that_reorder_or_hide) {
  EXPECT_EQ(escape_terminal("gpj.\xe2\x80\xae"
                            "exe"),
            "gpj.\\u{202e}exe");
  EXPECT_EQ(escape_terminal("a\xe2\x80\x8b"
                            "b"),
            "a\\u{200b}b");
}

TEST(escape_terminal, refuses_what_is_not_utf8) {
  EXPECT_EQ(escape_terminal("\xc0\x9b"), "\\xc0\\x9b");           // overlong
  EXPECT_EQ(escape_terminal("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(escape_terminal("\xe2\x80"), "\\xe2\\x80");           // cut short
}

TEST(escape_terminal, never_lets_a_control_byte_through) {
  rng random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto n = random.between(0, 12); n > 0; --n)
      text += static_cast<char>(random.between(0, 255));
    auto safe = escape_terminal(text);
    for (std::size_t i = 0; i < safe.size(); ++i) {
      auto b = static_cast<unsigned char>(safe[i]);
      ASSERT_GE(b, 0x20) << round;
      ASSERT_NE(b, 0x7f) << round;
      if (b == 0xc2) {
        ASSERT_GE(static_cast<unsigned char>(safe[i + 1]), 0xa0) << round;
      }
    }
    ASSERT_EQ(escape_terminal(safe), safe);  // what is safe stays as it is
  }
}

TEST(display_width, counts_columns) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("Größe"), 5u);
  EXPECT_EQ(display_width("日本"), 4u);
}

TEST(shorten, keeps_both_ends_within_the_columns) {
  EXPECT_EQ(shorten("short.txt", 20), "short.txt");
  EXPECT_EQ(shorten("a-very-long-name-of-a-file.tar.gz", 16), "a-very-...tar.gz");
  for (std::size_t n = 0; n < 40; ++n)
    EXPECT_LE(display_width(shorten("日本語のとても長いファイル名.tar.gz", n)), n);
}

}  // namespace
}  // namespace tidewire::cli
