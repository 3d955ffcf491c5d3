#include "header_option.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace tidewire::cli {
namespace {

TEST(header_option, splits_name_and_value) {
  http::fields headers;
  EXPECT_EQ(add_headers(headers, "X-Key:  a: b \r"), "");
  EXPECT_EQ(headers.find("x-key"), "a: b");
}

TEST(header_option, refuses_what_is_no_header_without_repeating_the_value) {
  for (std::string bad : {"secret", "", ": secret", "Na me: secret", "X: se\ncret",
                          "X: se\x01"
                          "cret",
                          "Range: secret", "accept-encoding: secret"}) {
    http::fields headers;
    auto fault = add_headers(headers, bad);
    EXPECT_NE(fault, "") << bad;
    EXPECT_EQ(fault.find("secret"), fault.npos) << fault;
    EXPECT_TRUE(headers.empty());
  }
}

TEST(header_option, reads_a_file) {
  auto path = testing::TempDir() + "/headers";
  std::ofstream(path) << "# comment\nAuthorization: Bearer t\n\nX-A: 1\r\n";
  http::fields headers;
  EXPECT_EQ(add_headers(headers, "@" + path), "");
  EXPECT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers.find("Authorization"), "Bearer t");
  std::ofstream(path) << "X-A: 1\nnonsense\n";
  EXPECT_NE(add_headers(headers, "@" + path).find("line 2"), std::string::npos);
  std::remove(path.c_str());
  EXPECT_NE(add_headers(headers, "@" + path), "");
}

}  // namespace
}  // namespace tidewire::cli
