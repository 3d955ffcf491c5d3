#include "listen_address.hpp"

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

TEST(listen_address, splits_host_and_port) {
  auto a = parse_listen_address("127.0.0.1:8080");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->host, "127.0.0.1");
  EXPECT_EQ(a->port, 8080);
  auto b = parse_listen_address("[::1]:0");
  ASSERT_TRUE(b);
  EXPECT_EQ(b->host, "::1");
  EXPECT_EQ(b->text(), "[::1]:0");
}

TEST(listen_address, refuses_everything_else) {
  for (auto bad : {"", ":80", "host", "host:", "host:65536", "host:-1", "::1:80", "[]:80",
                   "[::1:80", "a b:80", "http://a:80", "a:80x"})
    EXPECT_FALSE(parse_listen_address(bad)) << bad;
}

}  // namespace
}  // namespace tidewire::cli
