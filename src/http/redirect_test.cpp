#include <tidewire/http/error.hpp>
#include <tidewire/http/redirect.hpp>

#include <gtest/gtest.h>

namespace tidewire::http {
namespace {

response_head head(std::string location) {
  response_head out;
  out.status = 302;
  out.headers.add("Location", std::move(location));
  return out;
}

TEST(redirect, statuses) {
  for (unsigned s : {301u, 302u, 303u, 307u, 308u}) EXPECT_TRUE(is_redirect(s));
  for (unsigned s : {200u, 300u, 304u, 305u, 306u, 309u, 0u}) EXPECT_FALSE(is_redirect(s));
}

TEST(redirect, targets) {
  auto from = url::parse("https://u:p@a.example/x/y").value();
  EXPECT_EQ(redirect_target(from, head("z")).value().text(), "https://u:p@a.example/x/z");
  EXPECT_EQ(redirect_target(from, head("https://evil:pw@a.example/z")).value().text(),
            "https://u:p@a.example/z");
  EXPECT_EQ(redirect_target(from, head("https://evil:pw@b.example/z")).value().text(),
            "https://b.example/z");
  EXPECT_EQ(redirect_target(from, head("//b.example/z")).value().userinfo(), "");
  EXPECT_EQ(redirect_target(from, head("https://a.example:444/")).value().userinfo(), "");
  auto plain = url::parse("http://a/").value();
  EXPECT_EQ(redirect_target(plain, head("https://a/")).value().text(), "https://a/");
  EXPECT_EQ(redirect_target(plain, head("http://[::1]:81/")).value().text(), "http://[::1]:81/");
}

TEST(redirect, refusals) {
  auto from = url::parse("https://a/").value();
  for (auto to : {"http://a/", "HTTP://b/", "file:///etc/passwd", "ftp://a/", "javascript:x"})
    EXPECT_EQ(redirect_target(from, head(to)).error(), errc::forbidden_redirect) << to;
  for (auto to : {"", "https://", "https://a:0/", "\x01", "%z"})
    EXPECT_EQ(redirect_target(from, head(to)).error(), errc::bad_url) << to;
  EXPECT_EQ(redirect_target(from, response_head()).error(), errc::bad_url);
  auto two = head("/x");
  two.headers.add("location", "/y");
  EXPECT_EQ(redirect_target(from, two).error(), errc::bad_url);
}

TEST(redirect, headers_across_origins) {
  fields all{{"authorization", "a"}, {"Cookie", "b"}, {"Proxy-Authorization", "c"}, {"Range", "d"}};
  auto a = url::parse("https://a/").value();
  EXPECT_EQ(headers_for_origin(all, a, url::parse("https://a:443/x").value()).size(), 4u);
  for (auto other : {"http://a/", "https://b/", "https://a:444/", "https://a.a/"}) {
    auto kept = headers_for_origin(all, a, url::parse(other).value());
    ASSERT_EQ(kept.size(), 1u) << other;
    EXPECT_EQ(kept.begin()->name, "Range");
  }
}

}  // namespace
}  // namespace tidewire::http
