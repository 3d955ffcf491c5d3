#include "input_list.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace tidewire::cli {
namespace {

input_list read(const std::string& text) {
  std::istringstream in(text);
  return read_input_list(in);
}

TEST(input_list, reads_urls_comments_and_options) {
  auto list = read(
      "# first\n"
      "https://a.example/x\n"
      "  out=sub/x.bin\n"
      "\tchecksum=sha-256=00\n"
      "\r\n"
      "https://b.example/y\thttps://c.example/y\r\n");
  ASSERT_EQ(list.fault, "");
  ASSERT_EQ(list.entries.size(), 2u);
  EXPECT_EQ(list.entries[0].sources, std::vector<std::string>{"https://a.example/x"});
  EXPECT_EQ(list.entries[0].out, "sub/x.bin");
  EXPECT_EQ(list.entries[0].checksum, "sha-256=00");
  EXPECT_EQ(list.entries[0].line, 2u);
  EXPECT_EQ(list.entries[1].sources,
            (std::vector<std::string>{"https://b.example/y", "https://c.example/y"}));
}

TEST(input_list, takes_an_empty_list_and_a_last_line_without_newline) {
  EXPECT_TRUE(read("").entries.empty());
  EXPECT_EQ(read("http://a/x").entries.size(), 1u);
}

TEST(input_list, says_where_the_fault_is) {
  EXPECT_EQ(read("  out=x\n").fault, "line 1: an option without a URL above it");
  EXPECT_NE(read("http://a/\n\n  dir=/etc\n").fault.find("line 3: unknown option \"dir\""),
            std::string::npos);
  for (auto bad : {"../x", "/etc/passwd", "a/../b", "", "a//b", "."})
    EXPECT_NE(read(std::string("http://a/\n out=") + bad + "\n").fault, "") << bad;
  EXPECT_NE(read(std::string(70'000, 'x')).fault, "");
}

}  // namespace
}  // namespace tidewire::cli
