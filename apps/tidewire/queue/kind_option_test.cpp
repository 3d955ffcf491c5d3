#include "queue/kind_option.hpp"

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

TEST(kind_option, has_a_name_and_a_command) {
  auto kind = parse_kind("mail=sendmail -t --x=y");
  ASSERT_TRUE(kind);
  EXPECT_EQ(kind->name, "mail");
  EXPECT_EQ(kind->command, "sendmail -t --x=y");
}

TEST(kind_option, knows_what_is_built_in) {
  ASSERT_TRUE(parse_kind("http"));
  EXPECT_EQ(parse_kind("http")->command, "");
  EXPECT_EQ(parse_kind("http=curl")->command, "curl") << "in its place";
}

TEST(kind_option, refuses_the_rest) {
  for (auto text : {"", "mail", "=x", "mail=", "mail= ", "https"})
    EXPECT_FALSE(parse_kind(text)) << text;
}

}  // namespace
}  // namespace tidewire::cli
