#include "raw_client_test_support.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/server/http_server.hpp>
#include <tidewire/server/router.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdio>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;
using test::raw_client;
using test::status_of;

// Endless, or of a size that is not told.
class pattern_body final : public response_body {
 public:
  explicit pattern_body(std::uint64_t size, bool told = true)
      : left_(size), size_(size), told_(told) {}
  std::optional<std::uint64_t> size() const override {
    if (told_) return size_;
    return std::nullopt;
  }
  result<std::size_t> read(std::span<std::byte> space) override {
    auto n = std::min<std::uint64_t>(space.size(), left_);
    std::fill_n(space.begin(), n, std::byte('x'));
    left_ -= n;
    return n;
  }

 private:
  std::uint64_t left_, size_;
  bool told_;
};

asio::awaitable<response> echo(request& req) {
  std::string text;
  std::array<std::byte, 1000> space;
  while (true) {
    auto n = co_await req.body->read(space);
    if (!n && n.error() == errc::limit_exceeded) co_return problem(413, "Content Too Large");
    if (!n) co_return problem(400, "Bad Request");
    if (*n == 0) break;
    text.append(reinterpret_cast<const char*>(space.data()), *n);
  }
  response out;
  out.body = text_body(std::move(text));
  co_return out;
}

asio::awaitable<response> wait_long(request&) {
  timer t(co_await asio::this_coro::executor);
  t.expires_after(300s);
  co_await t.async_wait();
  co_return response();
}

asio::awaitable<response> wait_little(request&) {
  timer t(co_await asio::this_coro::executor);
  t.expires_after(300ms);
  co_await t.async_wait();
  response out;
  out.body = text_body("late");
  co_return out;
}

router make_routes() {
  router routes;
  routes.add("GET", "/", [](request&) -> asio::awaitable<response> {
    response out;
    out.body = text_body("hello");
    co_return out;
  });
  routes.add("POST", "/echo", echo);
  routes.add("POST", "/ignore",
             [](request&) -> asio::awaitable<response> { co_return response(); });
  routes.add("GET", "/big", [](request&) -> asio::awaitable<response> {
    response out;
    out.body = std::make_unique<pattern_body>(std::uint64_t(1) << 40);
    co_return out;
  });
  routes.add("GET", "/unsized", [](request&) -> asio::awaitable<response> {
    response out;
    out.body = std::make_unique<pattern_body>(600'000, false);
    co_return out;
  });
  routes.add("GET", "/throws", [](request&) -> asio::awaitable<response> {
    throw std::runtime_error("a bug");
    co_return response();
  });
  routes.add("GET", "/empty", [](request&) -> asio::awaitable<response> {
    response out;
    out.status = 204;
    co_return out;
  });
  routes.add("GET", "/wait-long", wait_long);
  routes.add("GET", "/wait-little", wait_little);
  return routes;
}

struct http_server_test : testing::Test {
  http_server_test() {
    options.port = 0;
    options.max_header_bytes = 8 * 1024;
    options.max_body_bytes = 100'000;
  }

  // Fresh for each call, so that a test sets its options first.
  void start() {
    answer = [this](request& req) { return routes.route(req); };
    server = std::make_unique<http_server>(fixture.make_context(), options, answer);
    run = std::make_unique<test::running<http_server>>(*server);
    ASSERT_NE(server->port(), 0);
  }
  raw_client connect(int receive_buffer = 0) { return raw_client(server->port(), receive_buffer); }

  test::server_fixture fixture;
  http_server_options options;
  router routes = make_routes();
  handler answer;
  std::unique_ptr<http_server> server;
  std::unique_ptr<test::running<http_server>> run;
};

const std::string get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct refused_row {
  std::string name, request;
  int status;
};

// Each is one message that some parser reads in another way. One answer, then the end: what
// follows, here a second request, must never be answered.
TEST_F(http_server_test, refuses_what_can_be_smuggled) {
  start();
  const std::string host = "Host: localhost\r\n";
  const std::string post = "POST /echo HTTP/1.1\r\n" + host;
  const refused_row rows[] = {
      {"chunked, gzip", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400},
      {"gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
      {"two codings",
       post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"blank before colon", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\n" + host + "Host: other\r\n\r\n", 400},
      {"two equal hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two lengths", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"two equal lengths", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
      {"length list", post + "Content-Length: 3, 3\r\n\r\nabc", 400},
      {"negative length", post + "Content-Length: -3\r\n\r\nabc", 400},
      {"length and coding",
       post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"coding and length",
       post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
      {"obs-fold", "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", 400},
      {"folded first", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", 400},
      {"bare lf", "GET / HTTP/1.1\nHost: localhost\n\n", 400},
      {"bare cr", "GET / HTTP/1.1\r\n" + host + "X: a\rb\r\n\r\n", 400},
      {"http/1.0 chunked",
       "POST /echo HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"http/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"absolute mismatch", "GET http://other/ HTTP/1.1\r\n" + host + "\r\n", 400},
      {"connect", "CONNECT localhost:80 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"dot segments", "GET /../etc/passwd HTTP/1.1\r\n" + host + "\r\n", 400},
      {"not http", "hello\r\n\r\n", 400},
      {"too large", post + "Content-Length: 100001\r\n\r\n", 413},
      {"expectation", post + "Content-Length: 1\r\nExpect: a miracle\r\n\r\nx", 417},
  };
  for (const auto& r : rows) {
    auto client = connect();
    client.send(r.request + get);
    client.half_close();
    auto text = client.until_closed();
    EXPECT_FALSE(client.still_open()) << r.name;
    EXPECT_EQ(status_of(text), r.status) << r.name << "\n" << text;
    EXPECT_EQ(text.find("hello"), text.npos) << r.name;
    EXPECT_EQ(test::header_of(text, "Connection"), "close") << r.name;
  }
}

TEST_F(http_server_test, a_huge_chunk_extension_ends_the_connection) {
  start();
  for (auto size : {300u, 20'000u}) {
    auto client = connect();
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3;x=" +
                std::string(size, 'a') + "\r\nabc\r\n0\r\n\r\n" + get);
    auto text = client.until_closed();
    EXPECT_FALSE(client.still_open());
    EXPECT_GE(status_of(text), 400) << size;
    EXPECT_LT(status_of(text), 500) << size;
    EXPECT_EQ(text.find("hello"), text.npos);
  }
}

TEST_F(http_server_test, heads_have_a_limit) {
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(9000, 'a') + "\r\n\r\n");
  EXPECT_EQ(status_of(client.until_closed()), 431);
  std::string many = "GET / HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 200; ++i) many += "a: b\r\n";
  auto other = connect();
  other.send(many + "\r\n");
  EXPECT_EQ(status_of(other.until_closed()), 431);
}

TEST_F(http_server_test, answers_pipelined_requests_in_order) {
  start();
  auto client = connect();
  std::string echo_one = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\none";
  std::string echo_two =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2;a=b\r\ntw\r\n1\r\no\r\n0\r\nTrailer: x\r\n\r\n";
  client.send(echo_one + echo_two + "\r\n" + get + "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n" +
              "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" + get);
  EXPECT_EQ(test::body_of(client.response()), "one");
  EXPECT_EQ(test::body_of(client.response()), "two");
  EXPECT_EQ(test::body_of(client.response()), "hello");
  auto head = client.response(true);
  EXPECT_EQ(test::header_of(head, "Content-Length"), "5");
  auto last = client.until_closed();
  EXPECT_EQ(test::body_of(last), "hello");
  EXPECT_EQ(fixture.metrics.value("tidewire_http_requests_total{status=2xx}"), 5);
}

TEST_F(http_server_test, takes_a_head_byte_by_byte) {
  start();
  auto client = connect();
  for (char c : get) client.send(std::string_view(&c, 1));
  EXPECT_EQ(test::body_of(client.response()), "hello");
}

TEST_F(http_server_test, frames_bodies) {
  start();
  auto client = connect();
  auto none = client.exchange("GET /empty HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(none), 204);
  EXPECT_EQ(test::header_of(none, "Content-Length"), "");
  client.send("GET /unsized HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  auto chunked = client.until_closed();
  EXPECT_EQ(test::header_of(chunked, "Transfer-Encoding"), "chunked");
  EXPECT_TRUE(chunked.ends_with("\r\n0\r\n\r\n"));
  EXPECT_EQ(std::count(chunked.begin(), chunked.end(), 'x'), 600'000);
  auto old = connect();
  old.send("GET /unsized HTTP/1.0\r\n\r\n");
  auto closed = old.until_closed();
  EXPECT_EQ(test::header_of(closed, "Transfer-Encoding"), "");
  EXPECT_EQ(test::body_of(closed).size(), 600'000u);
}

TEST_F(http_server_test, says_continue_only_when_the_body_is_wanted) {
  start();
  auto client = connect();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
      "Expect: 100-continue\r\n\r\n");
  auto first = client.response();
  EXPECT_EQ(status_of(first), 100);
  client.send("abc");
  EXPECT_EQ(test::body_of(client.response()), "abc");
  client.send(
      "POST /ignore HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
      "Expect: 100-continue\r\n\r\n");
  auto text = client.until_closed();
  EXPECT_EQ(status_of(text), 200);
  EXPECT_EQ(test::header_of(text, "Connection"), "close");
}

TEST_F(http_server_test, an_unread_body_is_never_taken_for_a_request) {
  start();
  auto small = connect();
  small.send("POST /ignore HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
             std::to_string(get.size()) + "\r\n\r\n" + get + get);
  EXPECT_EQ(test::body_of(small.response()), "");
  EXPECT_EQ(test::body_of(small.response()), "hello");
  EXPECT_EQ(fixture.metrics.value("tidewire_http_requests_total{status=2xx}"), 2);
  auto large = connect();
  large.send("POST /ignore HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n" +
             std::string(90000, 'a') + get);
  auto text = large.until_closed();
  EXPECT_EQ(status_of(text), 200);
  EXPECT_EQ(text.find("hello"), text.npos);
}

TEST_F(http_server_test, a_chunked_body_has_a_limit_too) {
  start();
  auto client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunk = "2710\r\n" + std::string(10'000, 'a') + "\r\n";
  for (int i = 0; i < 11; ++i) client.send(chunk);
  EXPECT_EQ(status_of(client.until_closed()), 413);
}

TEST_F(http_server_test, a_handler_that_throws_is_a_500) {
  start();
  auto client = connect();
  EXPECT_EQ(status_of(client.exchange("GET /throws HTTP/1.1\r\nHost: localhost\r\n\r\n")), 500);
  EXPECT_NE(fixture.log.text().find("http.handler_threw path=/throws"), std::string::npos);
  EXPECT_EQ(test::body_of(client.exchange(get)), "hello");
}

TEST_F(http_server_test, unknown_and_unallowed) {
  start();
  auto client = connect();
  EXPECT_EQ(status_of(client.exchange("GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n")), 404);
  auto answer405 = client.exchange("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(answer405), 405);
  EXPECT_EQ(test::header_of(answer405, "Allow"), "GET, HEAD");
  auto foreign = client.exchange(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
      "Content-Length: 1\r\n\r\nx");
  EXPECT_EQ(status_of(foreign), 403);
  EXPECT_EQ(test::body_of(client.exchange(get)), "hello");
}

TEST_F(http_server_test, pages_of_listed_origins_may_read_answers) {
  options.allowed_origins = {"https://app.example"};
  start();
  auto client = connect();
  auto asked = client.exchange(
      "OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n"
      "Access-Control-Request-Method: POST\r\n"
      "Access-Control-Request-Headers: idempotency-key\r\n\r\n");
  EXPECT_EQ(status_of(asked), 204);
  EXPECT_EQ(test::header_of(asked, "Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_NE(test::header_of(asked, "Access-Control-Allow-Headers").find("Idempotency-Key"),
            std::string::npos);
  EXPECT_EQ(test::header_of(asked, "Access-Control-Allow-Credentials"), "");
  auto posted = client.exchange(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n"
      "Content-Length: 2\r\n\r\nhi");
  EXPECT_EQ(test::body_of(posted), "hi");
  EXPECT_EQ(test::header_of(posted, "Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(test::header_of(posted, "Vary"), "Origin");
  // Refusals too, so that the page can tell why.
  auto none = client.exchange(
      "GET /none HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n\r\n");
  EXPECT_EQ(status_of(none), 404);
  EXPECT_EQ(test::header_of(none, "Access-Control-Allow-Origin"), "https://app.example");
}

TEST_F(http_server_test, pages_of_other_origins_are_told_nothing) {
  options.allowed_origins = {"https://app.example"};
  start();
  auto client = connect();
  for (std::string origin : {"https://evil.example", "null", "https://app.example.evil.example",
                             "http://app.example", "https://app.example:444"}) {
    auto asked = client.exchange("OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: " + origin +
                                 "\r\nAccess-Control-Request-Method: POST\r\n\r\n");
    EXPECT_EQ(status_of(asked), 405) << origin;
    EXPECT_EQ(test::header_of(asked, "Access-Control-Allow-Origin"), "") << origin;
    auto read =
        client.exchange("GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: " + origin + "\r\n\r\n");
    EXPECT_EQ(status_of(read), 200) << origin;
    EXPECT_EQ(test::header_of(read, "Access-Control-Allow-Origin"), "") << origin;
  }
  auto two = client.exchange(
      "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n"
      "Origin: https://app.example\r\n\r\n");
  EXPECT_EQ(test::header_of(two, "Access-Control-Allow-Origin"), "");
}

TEST_F(http_server_test, caps_connections) {
  options.max_connections = 5;
  options.max_connections_per_address = 3;
  start();
  std::vector<raw_client> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(connect());
    EXPECT_EQ(test::body_of(held.back().exchange(get)), "hello");
  }
  auto extra = connect();
  extra.send(get);
  auto text = extra.until_closed();
  EXPECT_FALSE(extra.still_open());
  EXPECT_EQ(text.find("hello"), text.npos);
  EXPECT_EQ(fixture.metrics.value("tidewire_http_refusals_total{reason=connections_per_address}"),
            1);
  held.clear();
  std::string again;
  // The server learns of the closed ones in its own time; until then it still turns away.
  for (int i = 0; i < 2000 && status_of(again) != 200; ++i) again = connect().exchange(get);
  EXPECT_EQ(test::body_of(again), "hello");
}

TEST_F(http_server_test, slow_heads_bodies_and_idle_clients_are_cut_off) {
  options.header_deadline = 300ms;
  options.body_deadline = 300ms;
  options.keep_alive = 300ms;
  start();
  auto cut_off = [&](std::string_view name, std::string_view first, bool drip) {
    auto client = connect();
    client.send(first);
    auto began = std::chrono::steady_clock::now();
    while (drip && client.send("a") && std::chrono::steady_clock::now() - began < 5s)
      if (!client.receive(50ms) && !client.still_open()) break;
    client.until_closed(5s);
    auto took = std::chrono::steady_clock::now() - began;
    EXPECT_FALSE(client.still_open()) << name;
    EXPECT_LT(took, 4s) << name;
    EXPECT_GT(took, 200ms) << name;
  };
  cut_off("says nothing", "", false);
  cut_off("half a head", "GET / HT", false);
  cut_off("head in drips", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", true);
  cut_off("idle", get, false);
  std::string body = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n";
  cut_off("no body", body, false);
  // 20 bytes a second: each read is in time, the whole never would be.
  cut_off("body in drips", body, true);
}

TEST_F(http_server_test, slow_lorises_leave_others_unharmed) {
  options.header_deadline = 20s;
  start();
  std::vector<raw_client> lorises;
  for (int i = 0; i < 500; ++i) {
    lorises.push_back(connect());
    lorises.back().send(
        i % 2 ? "GET / HTTP/1.1\r\nX: "
              : "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n");
  }
  auto worst = 0ns;
  for (int i = 0; i < 200; ++i) {
    auto began = std::chrono::steady_clock::now();
    auto client = connect();
    ASSERT_EQ(test::body_of(client.exchange(get)), "hello");
    worst = std::max<std::chrono::nanoseconds>(worst, std::chrono::steady_clock::now() - began);
    lorises[static_cast<std::size_t>(i)].send("a");
  }
  EXPECT_LT(worst, 2s);
  EXPECT_GE(fixture.metrics.value("tidewire_http_connections{}"), 500);
}

// Without the heap: under AddressSanitizer freed memory stays resident in quarantine, and a stream
// for each look would be what is measured.
long resident_kib() {
  char text[128] = {};
  int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  auto n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  long pages = 0, resident = 0;
  if (n <= 0 || std::sscanf(text, "%ld %ld", &pages, &resident) != 2) return 0;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

TEST_F(http_server_test, a_slow_reader_is_dropped_and_costs_little) {
  options.write_deadline = 500ms;
  start();
  auto before = resident_kib();
  std::vector<raw_client> readers;
  for (int i = 0; i < 20; ++i) {
    readers.push_back(connect(4096));
    readers.back().send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  auto refusals = [&] {
    return fixture.metrics.value("tidewire_http_refusals_total{reason=deadline}");
  };
  auto until = std::chrono::steady_clock::now() + 15s;
  long most = 0;
  while (refusals() < 20 && std::chrono::steady_clock::now() < until) {
    most = std::max(most, resident_kib());
    ::poll(nullptr, 0, 10);
  }
  EXPECT_EQ(refusals(), 20);
  // 20 buffers of 256 KiB are 5 MiB; the bodies are 1 TiB each.
  EXPECT_GT(most, 0);
  EXPECT_LT(most - before, 20 * 1024);
}

TEST_F(http_server_test, the_token_is_asked_for_and_never_logged) {
  const std::string canary = "canary-7f3a9c";
  options.token = canary;
  start();
  auto ask = [&](const std::string& field) {
    auto client = connect();
    client.send("GET /?t=" + canary + " HTTP/1.1\r\nHost: any.example\r\n" + field + "\r\n");
    return status_of(client.response());
  };
  EXPECT_EQ(ask(""), 401);
  EXPECT_EQ(ask("Authorization: Bearer wrong\r\n"), 401);
  EXPECT_EQ(ask("Authorization: Bearer " + canary + "x\r\n"), 401);
  EXPECT_EQ(ask("Authorization: Bearer " + canary + "\r\n"), 200);
  EXPECT_EQ(ask("Authorization: Bearer " + canary + "\r\nHost: two\r\n"), 400);
  EXPECT_NE(fixture.log.text().find("http.request"), std::string::npos);
  EXPECT_EQ(fixture.log.text().find(canary), std::string::npos);
}

TEST_F(http_server_test, listens_beyond_loopback_only_with_a_token) {
  auto try_listen = [&](const char* address, const char* token) {
    options.address = address;
    options.token = token;
    http_server s(fixture.make_context(), options, answer);
    return bool(s.listen());
  };
  EXPECT_FALSE(try_listen("0.0.0.0", ""));
  EXPECT_FALSE(try_listen("::", ""));
  EXPECT_FALSE(try_listen("nonsense", "t"));
  EXPECT_TRUE(try_listen("0.0.0.0", "t"));
  EXPECT_TRUE(try_listen("127.0.0.1", ""));
  EXPECT_TRUE(try_listen("localhost", ""));
}

TEST_F(http_server_test, a_second_server_on_the_port_is_an_error) {
  start();
  options.port = server->port();
  http_server second(fixture.make_context(), options, answer);
  auto listening = second.listen();
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error(), boost::system::errc::address_in_use);
}

TEST_F(http_server_test, stop_lets_a_running_answer_finish) {
  start();
  auto idle = connect();
  EXPECT_EQ(test::body_of(idle.exchange(get)), "hello");
  auto busy = connect();
  busy.send("GET /wait-little HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (fixture.metrics.value("tidewire_http_connections{}") < 2) std::this_thread::yield();
  // The request may still be on its way to the server; a further answer proves that it isn't.
  auto other = connect();
  EXPECT_EQ(test::body_of(other.exchange(get)), "hello");
  auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(run->stop(10s));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  auto text = busy.until_closed();
  EXPECT_EQ(test::body_of(text), "late");
  idle.until_closed();
  EXPECT_FALSE(idle.still_open());
  EXPECT_FALSE(connect().connected());
}

TEST_F(http_server_test, stop_ends_what_outlasts_the_grace) {
  start();
  auto waiting = connect();
  waiting.send("GET /wait-long HTTP/1.1\r\nHost: localhost\r\n\r\n");
  auto reader = connect(4096);
  reader.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  reader.receive();
  auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(run->stop(200ms));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  waiting.until_closed(5s);
  EXPECT_FALSE(waiting.still_open());
  // That a wait was ended is no mistake of its handler.
  EXPECT_EQ(fixture.log.text().find("http.handler_threw"), std::string::npos);
}

TEST_F(http_server_test, random_bytes_never_harm) {
  start();
  rng random(3);
  const std::string seed =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\n\r\n" +
      get;
  for (int round = 0; round < 200; ++round) {
    auto text = seed;
    for (auto n = random.between(1, 4); n > 0; --n) {
      auto at =
          static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(text.size()) - 1));
      text[at] = static_cast<char>(random.between(0, 255));
    }
    auto client = connect();
    client.send(text);
    client.half_close();
    client.until_closed();
    ASSERT_FALSE(client.still_open()) << round;
  }
  EXPECT_EQ(test::body_of(connect().exchange(get)), "hello");
}

}  // namespace
}  // namespace tidewire::server
