#include "head_check.hpp"

#include "response_head.hpp"
#include "screening.hpp"

#include <gtest/gtest.h>

namespace tidewire::server {
namespace {

TEST(head_scan, finds_the_end_however_it_is_cut) {
  std::string head = "GET / HTTP/1.1\r\nHost: a:1\r\nX: a : b\r\n\r\n";
  std::string all = head + "GET /next";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    head_scan scan;
    auto first = scan.feed(std::string_view(all).substr(0, cut));
    EXPECT_FALSE(first.bad);
    EXPECT_EQ(first.length.has_value(), cut >= head.size());
    if (first.length) continue;
    auto second = scan.feed(all);
    ASSERT_TRUE(second.length) << cut;
    EXPECT_EQ(*second.length, head.size());
  }
}

TEST(head_scan, refuses_lines_that_parsers_disagree_on) {
  for (std::string bad :
       {"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\r\nA\t: b\r\n\r\n", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.1\r\n A: b\r\n\r\n", "GET / HTTP/1.1\r\r\nA: b\r\n\r\n"})
    EXPECT_TRUE(head_scan().feed(bad).bad) << bad;
  EXPECT_TRUE(head_scan().feed(std::string_view("GET /\0 HTTP/1.1", 15)).bad);
}

struct row {
  unsigned version;
  http::fields headers;
  const char* authority;
  unsigned status;  // 0: fine
};

TEST(check_head, follows_the_table) {
  const row rows[] = {
      {11, {{"Host", "a"}}, "", 0},
      {11, {{"Host", "[::1]:80"}}, "", 0},
      {10, {}, "", 0},
      {11, {}, "", 400},
      {11, {{"Host", ""}}, "", 400},
      {11, {{"Host", "a"}, {"host", "a"}}, "", 400},
      {11, {{"Host", "a, b"}}, "", 400},
      {11, {{"Host", "a/b"}}, "", 400},
      {11, {{"Host", "u@a"}}, "", 400},
      {11, {{"Host", "a"}}, "A", 0},
      {11, {{"Host", "a"}}, "b", 400},
      {20, {{"Host", "a"}}, "", 505},
      {11, {{"Host", "a"}, {"Content-Length", "5"}}, "", 0},
      {11, {{"Host", "a"}, {"Content-Length", "5"}, {"Content-Length", "5"}}, "", 400},
      {11, {{"Host", "a"}, {"Content-Length", "5, 5"}}, "", 400},
      {11, {{"Host", "a"}, {"Content-Length", "+5"}}, "", 400},
      {11, {{"Host", "a"}, {"Content-Length", "0x5"}}, "", 400},
      {11, {{"Host", "a"}, {"Content-Length", ""}}, "", 400},
      {11, {{"Host", "a"}, {"Content-Length", "99999999999999999999"}}, "", 400},
      {11, {{"Host", "a"}, {"Content-Length", "101"}}, "", 413},
      {11, {{"Host", "a"}, {"Transfer-Encoding", "chunked"}}, "", 0},
      {11, {{"Host", "a"}, {"Transfer-Encoding", "Chunked"}}, "", 0},
      {11, {{"Host", "a"}, {"Transfer-Encoding", "chunked, gzip"}}, "", 400},
      {11, {{"Host", "a"}, {"Transfer-Encoding", "gzip, chunked"}}, "", 400},
      {11, {{"Host", "a"}, {"Transfer-Encoding", "xchunked"}}, "", 400},
      {11, {{"Host", "a"}, {"Transfer-Encoding", "identity"}}, "", 400},
      {11,
       {{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
       "",
       400},
      {11, {{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}, "", 400},
      {10, {{"Host", "a"}, {"Transfer-Encoding", "chunked"}}, "", 400},
      {11, {{"Host", "a"}, {"Expect", "200-ok"}}, "", 417},
  };
  int n = 0;
  for (const auto& r : rows) {
    framing how;
    auto bad = check_head(r.version, r.headers, r.authority, 100, how);
    EXPECT_EQ(bad ? bad->status : 0, r.status) << "row " << n;
    ++n;
  }
}

TEST(check_head, decides_about_the_connection) {
  auto keeps = [](unsigned version, http::fields h) {
    h.add("Host", "a");
    framing how;
    EXPECT_FALSE(check_head(version, h, "", 100, how));
    return how.keep_alive;
  };
  EXPECT_TRUE(keeps(11, {}));
  EXPECT_FALSE(keeps(11, {{"Connection", "x, Close"}}));
  EXPECT_FALSE(keeps(10, {}));
  EXPECT_TRUE(keeps(10, {{"Connection", "Keep-Alive"}}));
}

TEST(format_head, lets_no_handler_break_out) {
  response answer;
  answer.headers.add("X-Good", "yes");
  answer.headers.add("X-Bad", "a\r\nSet-Cookie: b");
  answer.headers.add("X Bad", "a");
  answer.headers.add("Content-Length", "999");
  answer.headers.add("transfer-encoding", "chunked");
  head_options how;
  how.content_length = 3;
  auto text = format_head(answer, how);
  EXPECT_EQ(text,
            "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 3\r\n"
            "X-Good: yes\r\n\r\n");
}

TEST(screen, asks_for_the_token) {
  screening_policy policy = make_screening_policy("secret", "10.0.0.1", 80, {});
  request req;
  req.method = "GET";
  req.path = "/files/x";
  auto status = [&] {
    auto s = screen(req, policy);
    return s ? s->answer.status : 0u;
  };
  EXPECT_EQ(status(), 401u);
  for (auto wrong : {"Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Bearer SECRET",
                     "Basic secret", "secret", "Bearer  secret"}) {
    req.headers.set("Authorization", wrong);
    EXPECT_EQ(status(), 401u) << wrong;
  }
  req.headers.set("Authorization", "bearer secret");
  EXPECT_EQ(status(), 0u);
  req.headers.add("Authorization", "Bearer secret");
  EXPECT_EQ(status(), 401u);
  req.headers = {};
  req.path = "/healthz";
  EXPECT_EQ(status(), 0u);
  req.path = "/healthz/../files";
  EXPECT_EQ(status(), 401u);
}

TEST(screen, compares_origins_exactly) {
  auto policy = make_screening_policy("", "127.0.0.1", 8080, {"https://App.example"});
  request req;
  req.method = "POST";
  req.path = "/x";
  req.headers.set("Host", "127.0.0.1:8080");
  auto allowed = [&](const char* origin) {
    req.headers.set("Origin", origin);
    return !screen(req, policy);
  };
  EXPECT_FALSE(screen(req, policy));
  EXPECT_TRUE(allowed("http://127.0.0.1:8080"));
  EXPECT_TRUE(allowed("http://localhost:8080"));
  EXPECT_TRUE(allowed("https://app.example"));
  for (auto foreign : {"null", "", "http://evil.example", "https://app.example.evil.example",
                       "https://evilapp.example", "http://app.example", "http://127.0.0.1:8081",
                       "http://127.0.0.1:80800", "https://app.example:444"})
    EXPECT_FALSE(allowed(foreign)) << foreign;
  req.method = "GET";
  EXPECT_TRUE(allowed("http://evil.example"));
}

TEST(screen, a_rebound_name_is_not_ours) {
  auto policy = make_screening_policy("", "127.0.0.1", 8080, {"https://app.example"});
  request req;
  req.method = "GET";
  req.path = "/files";
  auto allowed = [&](const char* host) {
    req.headers.set("Host", host);
    return !screen(req, policy);
  };
  for (auto good : {"127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "app.example"})
    EXPECT_TRUE(allowed(good)) << good;
  for (auto bad : {"evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example"})
    EXPECT_FALSE(allowed(bad)) << bad;
}

TEST(constant_time_equal, equals) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  for (auto other : {"", "ab", "abd", "abcabc", "Abc"})
    EXPECT_FALSE(constant_time_equal(other, "abc"));
  EXPECT_FALSE(constant_time_equal("abc", ""));
}

}  // namespace
}  // namespace tidewire::server
