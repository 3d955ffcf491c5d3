#include "websocket/upgrade.hpp"

#include <tidewire/core/error.hpp>

#include <gtest/gtest.h>

namespace tidewire::websocket {
namespace {

http::fields good() {
  return {{"Host", "h"},
          {"Upgrade", "h2c, WebSocket"},
          {"Connection", "keep-alive, Upgrade"},
          {"Sec-WebSocket-Version", "13"},
          {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
}

http::fields with(std::string_view name, std::string value) {
  auto out = good();
  out.set(name, std::move(value));
  return out;
}

TEST(upgrade, wishes) {
  using enum upgrade_wish;
  EXPECT_EQ(read_wish("GET", 11, good()), acceptable);
  EXPECT_EQ(read_wish("GET", 11, with("Upgrade", "h2c")), none);
  EXPECT_EQ(read_wish("GET", 11, {}), none);
  EXPECT_EQ(read_wish("POST", 11, good()), malformed);
  EXPECT_EQ(read_wish("GET", 10, good()), malformed);
  EXPECT_EQ(read_wish("GET", 11, with("Connection", "keep-alive")), malformed);
  EXPECT_EQ(read_wish("GET", 11, with("Content-Length", "3")), malformed);
  EXPECT_EQ(read_wish("GET", 11, with("Content-Length", "0")), acceptable);
  EXPECT_EQ(read_wish("GET", 11, with("Transfer-Encoding", "chunked")), malformed);
  EXPECT_EQ(read_wish("GET", 11, with("Sec-WebSocket-Version", "8")), bad_version);
  for (auto key : {"", "short", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZR==",
                   "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25jZSEhIQ=="})
    EXPECT_EQ(read_wish("GET", 11, with("Sec-WebSocket-Key", key)), malformed) << key;
  auto two = good();
  two.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(read_wish("GET", 11, two), malformed);
  two = good();
  two.erase("Sec-WebSocket-Version");
  EXPECT_EQ(read_wish("GET", 11, two), bad_version);
}

TEST(upgrade, headers_of_the_handshake_are_ours) {
  http::fields mine{{"X-A", "1"}, {"host", "h"}, {"Upgrade", "x"}, {"sec-websocket-protocol", "p"}};
  auto out = clean_headers(mine).value();
  ASSERT_EQ(out.size(), 2u);
  EXPECT_TRUE(out.find("X-A"));
  EXPECT_TRUE(out.find("Sec-WebSocket-Protocol"));
  EXPECT_EQ(clean_headers({{"A", "b\nc"}}).error(),
            make_error_code(tidewire::errc::invalid_argument));
  EXPECT_EQ(clean_headers({{"A b", "c"}}).error(),
            make_error_code(tidewire::errc::invalid_argument));
  EXPECT_EQ(clean_headers({{"", "c"}}).error(), make_error_code(tidewire::errc::invalid_argument));
}

TEST(upgrade, close_reasons_are_cut_between_characters) {
  std::string text(122, 'a');
  text += "\xe2\x82\xac";
  cut_reason(text);
  EXPECT_EQ(text, std::string(122, 'a'));
  text += 'b';
  cut_reason(text);
  EXPECT_EQ(text.size(), 123u);
}

}  // namespace
}  // namespace tidewire::websocket
