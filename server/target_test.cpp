#include <tidewire/core/error.hpp>
#include <tidewire/server/target.hpp>

#include <gtest/gtest.h>

namespace tidewire::server {
namespace {

TEST(parse_target, decodes) {
  auto t = parse_target("/files/a%20b%C3%A4?x=%2F");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->path, "/files/a bä");
  EXPECT_EQ(t->query, "x=%2F");
  EXPECT_EQ(t->authority, "");
}

TEST(parse_target, takes_the_absolute_form) {
  auto t = parse_target("HTTP://host:80/a?b");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->authority, "host:80");
  EXPECT_EQ(t->path, "/a");
  EXPECT_EQ(t->query, "b");
  auto bare = parse_target("http://host?q");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->path, "/");
}

TEST(parse_target, refuses_what_can_be_read_in_two_ways) {
  for (auto bad : {"",
                   "*",
                   "files",
                   "/..",
                   "/.",
                   "/a/../b",
                   "/a/./b",
                   "/a/..",
                   "/%2e%2e/x",
                   "/%2E./x",
                   "/.%2e",
                   "/a%2fb",
                   "/a%2Fb",
                   "/a%00b",
                   "/a%0ab",
                   "/a%7f",
                   "/a%",
                   "/a%4",
                   "/a%zz",
                   "/%c0%ae%c0%ae/x",
                   "/%c0%af",
                   "/%e0%80%af",
                   "/%ed%a0%80",
                   "/%f5%80%80%80",
                   "/%80",
                   "/%c3",
                   "/\xc3\xa4",
                   "/a b",
                   "/a#b",
                   "http://",
                   "http:///x",
                   "http://u:p@host/x",
                   "ftp://host/x",
                   "host:80",
                   "/a\tb",
                   "/%f0%8f%bf%bf"})
    EXPECT_FALSE(parse_target(bad)) << bad;
  EXPECT_FALSE(parse_target(std::string_view("/a\0b", 4)));
}

TEST(parse_target, keeps_dots_that_are_names) {
  for (auto good : {"/...", "/a..b", "/..a", "/a.", "/%2e%2e%2e", "//", "/a//b"})
    EXPECT_TRUE(parse_target(good)) << good;
}

TEST(parse_target, has_a_limit) {
  EXPECT_TRUE(parse_target("/" + std::string(max_target_bytes - 1, 'a')));
  auto over = parse_target("/" + std::string(max_target_bytes, 'a'));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error(), errc::limit_exceeded);
}

}  // namespace
}  // namespace tidewire::server
