#include "websocket/proxy.hpp"

#include <tidewire/http/error.hpp>

#include <gtest/gtest.h>

#include <map>

namespace tidewire::websocket {
namespace {

http::url at(const char* text) {
  return http::url::parse(text).value();
}

TEST(proxy, texts) {
  EXPECT_EQ(parse_proxy("http://p.example:3128").value(), (proxy{"p.example", 3128, ""}));
  EXPECT_EQ(parse_proxy("p.example").value(), (proxy{"p.example", 1080, ""}));
  EXPECT_EQ(parse_proxy("http://p.example:80/").value(), (proxy{"p.example", 80, ""}));
  EXPECT_EQ(parse_proxy("HTTP://[::1]:8080").value(), (proxy{"::1", 8080, ""}));
  EXPECT_EQ(parse_proxy("http://[::1]").value(), (proxy{"::1", 1080, ""}));
  EXPECT_EQ(parse_proxy("http://u:p@h:1").value(), (proxy{"h", 1, "Basic dTpw"}));
  EXPECT_EQ(parse_proxy("socks5://h:1").error(), http::make_error_code(http::errc::proxy_failed));
  EXPECT_EQ(parse_proxy("https://h:1").error(), http::make_error_code(http::errc::proxy_failed));
  EXPECT_FALSE(parse_proxy(""));
  EXPECT_FALSE(parse_proxy("http://h:port"));
}

TEST(proxy, environment) {
  std::map<std::string, std::string> vars;
  environment env = [&](const char* name) -> std::optional<std::string> {
    auto it = vars.find(name);
    if (it == vars.end()) return std::nullopt;
    return it->second;
  };
  auto host = [&](const char* url, std::optional<std::string> chosen = std::nullopt) {
    auto p = choose_proxy(at(url), chosen, env).value();
    return p ? p->host : "";
  };
  EXPECT_EQ(host("http://x/"), "");
  vars["HTTP_PROXY"] = "upper:1";
  EXPECT_EQ(host("http://x/"), "");  // a CGI program's client could have set it
  vars["all_proxy"] = "all:1";
  EXPECT_EQ(host("http://x/"), "all");
  vars["http_proxy"] = "lower:1";
  vars["HTTPS_PROXY"] = "secure:1";
  EXPECT_EQ(host("http://x/"), "lower");
  EXPECT_EQ(host("https://x/"), "secure");
  EXPECT_EQ(host("http://x/", ""), "");
  EXPECT_EQ(host("http://x/", "mine:1"), "mine");
  vars["no_proxy"] = "internal.example, 10.0.0.0/8";
  EXPECT_EQ(host("http://a.internal.example/"), "");
  EXPECT_EQ(host("http://10.1.2.3/"), "");
  EXPECT_EQ(host("http://11.1.2.3/"), "lower");
  // What the caller chose is meant.
  EXPECT_EQ(host("http://a.internal.example/", "mine:1"), "mine");
  vars["http_proxy"] = "ftp://x";
  EXPECT_FALSE(choose_proxy(at("http://x/"), std::nullopt, env));
}

TEST(proxy, exemptions) {
  EXPECT_TRUE(is_exempt("example.org", "*"));
  EXPECT_TRUE(is_exempt("example.org", "example.org"));
  EXPECT_TRUE(is_exempt("example.org.", "EXAMPLE.org"));
  EXPECT_TRUE(is_exempt("a.example.org", "x y,.example.org"));
  EXPECT_TRUE(is_exempt("a.example.org", "example.org"));
  EXPECT_FALSE(is_exempt("notexample.org", "example.org"));
  EXPECT_FALSE(is_exempt("example.org", "a.example.org"));
  EXPECT_FALSE(is_exempt("example.org", ""));
  EXPECT_FALSE(is_exempt("example.org", " , ,"));
  EXPECT_TRUE(is_exempt("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(is_exempt("127.0.0.1", "0.0.1"));
  EXPECT_TRUE(is_exempt("::1", "[::1]"));
  EXPECT_TRUE(is_exempt("fd00::7", "fd00::/8"));
  EXPECT_FALSE(is_exempt("10.0.0.1", "fd00::/8"));
  EXPECT_FALSE(is_exempt("10.0.0.1", "10.0.0.0/99"));
}

}  // namespace
}  // namespace tidewire::websocket
