#include "console.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <array>

namespace tidewire::demo {
namespace {

constexpr console_asset assets[] = {
    {"index.html", "text/html; charset=utf-8", "\"i1\"", "<p>"},
    {"assets/a-1.js", "text/javascript; charset=utf-8", "\"a1\"", std::string_view("x\0y", 3)},
};

server::response ask(const std::string& path, std::span<const console_asset> from = assets,
                     const std::string& if_none_match = {}) {
  server::router routes;
  add_console(routes, from);
  server::request req;
  req.method = "GET";
  req.path = path;
  if (!if_none_match.empty()) req.headers.set("If-None-Match", if_none_match);
  asio::io_context io;
  server::response out;
  asio::co_spawn(io, routes.route(req), [&](const std::exception_ptr& failure, server::response r) {
    EXPECT_FALSE(failure);
    out = std::move(r);
  });
  io.run();
  return out;
}

std::string body_of(server::response& r) {
  std::string text;
  std::array<std::byte, 2> space;
  while (r.body) {
    auto n = r.body->read(space);
    if (!n || *n == 0) break;
    text.append(reinterpret_cast<const char*>(space.data()), *n);
  }
  return text;
}

TEST(console, serves_the_page_and_its_files) {
  for (auto path : {"/", "/index.html"}) {
    auto r = ask(path);
    EXPECT_EQ(r.status, 200u);
    EXPECT_EQ(body_of(r), "<p>");
    EXPECT_EQ(r.headers.find("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(r.headers.find("Cache-Control"), "no-cache");
  }
  auto r = ask("/assets/a-1.js");
  EXPECT_EQ(body_of(r), std::string("x\0y", 3));
  EXPECT_EQ(r.headers.find("ETag"), "\"a1\"");
  EXPECT_NE(r.headers.find("Cache-Control")->find("immutable"), std::string_view::npos);
  EXPECT_EQ(ask("/assets/other.js").status, 404u);
  EXPECT_EQ(ask("/assets/").status, 404u);
}

TEST(console, tells_who_has_it_already) {
  auto r = ask("/", assets, "\"i1\"");
  EXPECT_EQ(r.status, 304u);
  EXPECT_FALSE(r.body);
  EXPECT_EQ(ask("/", assets, "\"i0\"").status, 200u);
}

TEST(console, says_when_it_was_built_without_the_page) {
  auto r = ask("/", {});
  EXPECT_EQ(r.status, 200u);
  EXPECT_NE(body_of(r).find("TIDEWIRE_CONSOLE"), std::string::npos);
}

TEST(console, lets_nothing_foreign_run) {
  server::response r;
  secure(r);
  auto policy = std::string(*r.headers.find("Content-Security-Policy"));
  EXPECT_TRUE(policy.starts_with("default-src 'none'"));
  EXPECT_EQ(policy.find("unsafe"), policy.npos);
  EXPECT_EQ(r.headers.find("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(r.headers.find("Referrer-Policy"), "no-referrer");
  EXPECT_TRUE(policy.ends_with("connect-src 'self'"));
}

TEST(console, connects_to_what_it_is_told_and_to_nothing_else) {
  server::response r;
  secure(r, "ws://127.0.0.1:7 http://127.0.0.1:8");
  auto policy = std::string(*r.headers.find("Content-Security-Policy"));
  EXPECT_TRUE(policy.ends_with("connect-src 'self' ws://127.0.0.1:7 http://127.0.0.1:8"));
}

}  // namespace
}  // namespace tidewire::demo
