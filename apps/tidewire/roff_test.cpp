#include "roff.hpp"

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

TEST(roff, shows_what_would_be_a_command_of_its_own) {
  EXPECT_EQ(roff_escape("C:\\new"), "C:\\enew");
  EXPECT_EQ(roff_escape("--no-proxy"), "\\-\\-no\\-proxy");
  EXPECT_EQ(roff_escape("it's ~ ^ `x`"), "it\\(aqs \\(ti \\(ha \\(gax\\(ga");
}

TEST(roff, begins_no_request_on_any_line) {
  EXPECT_EQ(roff_escape(".SH EVIL"), "\\&.SH EVIL");
  EXPECT_EQ(roff_escape("a\n.br\n'br\n  b. c"), "a\n\\&.br\n\\(aqbr\n\\&  b. c");
}

TEST(roff, passes_other_languages) {
  EXPECT_EQ(roff_escape("größer …"), "größer …");
}

TEST(roff, makes_code_bold_and_keeps_a_lonely_backtick) {
  EXPECT_EQ(roff_prose("Try `get -o`, or `serve`."), "Try \\fBget \\-o\\fR, or \\fBserve\\fR.");
  EXPECT_EQ(roff_prose("`a` and `b"), "\\fBa\\fR and \\(gab");
  EXPECT_EQ(roff_prose(".a"), "\\&.a");
}

TEST(roff, quotes_arguments) {
  EXPECT_EQ(roff_argument("a \"b\" c"), "\"a \\(dqb\\(dq c\"");
}

}  // namespace
}  // namespace tidewire::cli
