#include "http/parse_test_support.hpp"

#include <tidewire/http/error.hpp>
#include <tidewire/http/url.hpp>

#include <gtest/gtest.h>

namespace tidewire::http {
namespace {

TEST(url, splits) {
  auto u = url::parse("HTTPS://us%65r:pa%3Ass@Example.COM:8443/a%20b/c.txt?q=1&r=%2F#frag").value();
  EXPECT_EQ(u.scheme(), "https");
  EXPECT_EQ(u.host(), "example.com");
  EXPECT_EQ(u.port(), 8443);
  EXPECT_EQ(u.target(), "/a%20b/c.txt?q=1&r=%2F");
  EXPECT_EQ(u.userinfo(), "us%65r:pa%3Ass");
  EXPECT_EQ(u.origin(), "https://example.com:8443");
  EXPECT_EQ(u.text(), "https://us%65r:pa%3Ass@example.com:8443/a%20b/c.txt?q=1&r=%2F");
  EXPECT_EQ(u.redacted(), "https://example.com:8443/a%20b/c.txt");
  EXPECT_EQ(u.file_name(), "c.txt");
}

TEST(url, defaults) {
  auto u = url::parse("http://h").value();
  EXPECT_EQ(u.port(), 80);
  EXPECT_EQ(u.target(), "/");
  EXPECT_EQ(u.text(), "http://h/");
  EXPECT_EQ(u.origin(), "http://h:80");
  EXPECT_EQ(u.file_name(), "");
  EXPECT_EQ(url::parse("https://h:443?x").value().text(), "https://h/?x");
  EXPECT_EQ(url::parse("http://h:/x").value().port(), 80);
  EXPECT_EQ(url::parse("http://h/a/%2e%2e%2Fb%00").value().file_name(), std::string("../b\0", 5));
}

TEST(url, addresses) {
  auto six = url::parse("http://[::1]:8080/x").value();
  EXPECT_EQ(six.host(), "[::1]");
  EXPECT_EQ(six.port(), 8080);
  EXPECT_EQ(six.text(), "http://[::1]:8080/x");
  EXPECT_EQ(url::parse("http://127.0.0.1/").value().host(), "127.0.0.1");
  for (auto bad : {"http://[::1/", "http://::1/", "http://[::1]x/", "http://[v1.a]/", "http://[]/",
                   "http://[fe80::1%25eth0]/", "http://[1::2::3]/"})
    EXPECT_EQ(url::parse(bad).error(), errc::bad_url) << bad;
}

TEST(url, refuses_what_is_malformed) {
  for (auto bad : {"",
                   " ",
                   "h",
                   "//h/",
                   "/a",
                   "http",
                   "http:",
                   "http:/",
                   "http://",
                   "http:///x",
                   "http://:80/",
                   "http://@/",
                   "http://u:p@/",
                   "http://h:0/",
                   "http://h:65536/",
                   "http://h:99999999999999/",
                   "http://h:-1/",
                   "http://h:8o/",
                   "http://h:80:80/",
                   "http://h/a b",
                   " http://h/",
                   "http://h/ ",
                   "http://h/\r\nX: y",
                   "http://h/\t",
                   "http://h\n/",
                   "http://h/\x7f",
                   "http://h/\xc3\xa9",
                   "http://h\xc3\xa9/",
                   "http://h/%",
                   "http://h/%2",
                   "http://h/%zz",
                   "http://h/a\\b",
                   "http://h\\@x/",
                   "http://a@b@c/",
                   "http://h%2e/",
                   "http://a,b/",
                   "http://a b/",
                   "http://h/<>",
                   "http://h/[",
                   "http://u%0d%0a:x@h/",
                   "http://u%00@h/",
                   "1http://h/",
                   "ht tp://h/"})
    EXPECT_EQ(url::parse(bad).error(), errc::bad_url) << bad;
  EXPECT_EQ(url::parse(std::string_view("http://h/\0", 10)).error(), errc::bad_url);
  EXPECT_EQ(url::parse("http://h/" + std::string(20'000, 'a')).error(), errc::bad_url);
  EXPECT_EQ(url::parse("http://" + std::string(300, 'a') + "/").error(), errc::bad_url);
}

TEST(url, refuses_other_schemes) {
  for (auto other : {"ftp://h/", "file:///etc/passwd", "javascript:alert(1)", "mailto:a@b",
                     "httpss://h/", "gopher://h/", "data:,x"})
    EXPECT_EQ(url::parse(other).error(), errc::unsupported_scheme) << other;
}

// RFC 3986, 5.4, on a base with the scheme that we have.
TEST(url, resolves_the_examples_of_the_rfc) {
  auto base = url::parse("http://a/b/c/d;p?q").value();
  const std::pair<const char*, const char*> table[] = {
      {"g", "/b/c/g"},
      {"./g", "/b/c/g"},
      {"g/", "/b/c/g/"},
      {"/g", "/g"},
      {"?y", "/b/c/d;p?y"},
      {"g?y", "/b/c/g?y"},
      {"#s", "/b/c/d;p?q"},
      {"g#s", "/b/c/g"},
      {";x", "/b/c/;x"},
      {"g;x?y#s", "/b/c/g;x?y"},
      {"", "/b/c/d;p?q"},
      {".", "/b/c/"},
      {"./", "/b/c/"},
      {"..", "/b/"},
      {"../", "/b/"},
      {"../g", "/b/g"},
      {"../..", "/"},
      {"../../", "/"},
      {"../../g", "/g"},
      {"../../../g", "/g"},
      {"../../../../g", "/g"},
      {"/./g", "/g"},
      {"/../g", "/g"},
      {"g.", "/b/c/g."},
      {".g", "/b/c/.g"},
      {"g..", "/b/c/g.."},
      {"..g", "/b/c/..g"},
      {"./../g", "/b/g"},
      {"./g/.", "/b/c/g/"},
      {"g/./h", "/b/c/g/h"},
      {"g/../h", "/b/c/h"},
      {"g;x=1/./y", "/b/c/g;x=1/y"},
      {"g;x=1/../y", "/b/c/y"},
      {"g?y/./x", "/b/c/g?y/./x"},
      {"g?y/../x", "/b/c/g?y/../x"},
  };
  for (auto& [reference, expected] : table) {
    auto got = base.resolve(reference);
    ASSERT_TRUE(got) << reference;
    EXPECT_EQ(got->target(), std::string_view(expected)) << reference;
    EXPECT_EQ(got->origin(), "http://a:80") << reference;
  }
  EXPECT_EQ(base.resolve("//g").value().text(), "http://g/");
  EXPECT_EQ(base.resolve("https://h:1/x").value().text(), "https://h:1/x");
  EXPECT_EQ(base.resolve("g:h").error(), errc::unsupported_scheme);
}

TEST(url, resolves_what_servers_send) {
  auto base = url::parse("http://u:p@a/b/").value();
  EXPECT_EQ(base.resolve("x y.txt?a[]=1").value().target(), "/b/x%20y.txt?a%5B%5D=1");
  EXPECT_EQ(base.resolve("http://[::1]/\xc3\xa9[").value().text(), "http://[::1]/%C3%A9%5B");
  EXPECT_EQ(base.resolve("?u=http://[x]//y").value().target(), "/b/?u=http://%5Bx%5D//y");
  EXPECT_EQ(base.resolve("a:b").error(), errc::unsupported_scheme);
  EXPECT_EQ(base.resolve("a//b:c").value().target(), "/b/a//b:c");
  for (auto bad : {"x\r\ny", "\x01", "http://a b/", "%zz", "http://", "//"})
    EXPECT_EQ(base.resolve(bad).error(), errc::bad_url) << bad;
}

TEST(url, parameters_are_added_behind_the_query_and_escaped) {
  auto base = url::parse("http://h/a").value();
  auto one = base.with_parameter("since", "a b&c=d/\xc3\xa9").value();
  EXPECT_EQ(one.target(), "/a?since=a%20b%26c%3Dd%2F%C3%A9");
  EXPECT_EQ(one.with_parameter("limit", "20").value().target(),
            std::string(one.target()) + "&limit=20");
  EXPECT_EQ(url::parse(one.text()).value(), one);
  EXPECT_EQ(base.with_parameter("x", std::string(20'000, 'y')).error(), errc::bad_url);
}

TEST(url, any_bytes_are_handled_and_accepted_text_is_stable) {
  rng random(8);
  int accepted = 0;
  auto base = url::parse("https://user:pw@host.example:8443/a/b?c").value();
  for (int i = 0; i < 50'000; ++i) {
    auto text =
        testing::mutate("http://user:pw@host.example:80/a/b.c?d=e#f", ":/?#[]@%.a1 ", random);
    if (auto u = base.resolve(text)) {
      EXPECT_EQ(url::parse(u->text()).value(), *u) << text;
    }
    auto u = url::parse(text);
    if (!u) continue;
    ++accepted;
    EXPECT_EQ(url::parse(u->text()).value(), *u) << text;
    EXPECT_FALSE(u->host().empty());
    EXPECT_TRUE(u->target().starts_with('/')) << text;
    u->file_name();
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace tidewire::http
