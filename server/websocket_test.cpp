// The server's role, over real sockets: who may upgrade, what each frame does, how it ends.
#include "raw_client_test_support.hpp"
#include "websocket/frame_test_support.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/server/http_server.hpp>
#include <tidewire/server/router.hpp>
#include <tidewire/websocket/beast_client.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>

#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;
using test::raw_client;
using test::status_of;
namespace frames = websocket::test;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

// What a session saw.
struct ended {
  std::vector<std::string> messages;
  error_code error;
  websocket::close_reason reason;
};

struct upgrade_head {
  std::string method = "GET", version = "HTTP/1.1", path = "/ws", host = "localhost";
  std::string upgrade = "websocket", connection = "Upgrade", number = "13";
  std::string key = "dGhlIHNhbXBsZSBub25jZQ==", more = {};

  std::string text() const {
    auto line = [](const char* name, const std::string& value) {
      return value.empty() ? "" : std::string(name) + ": " + value + "\r\n";
    };
    return method + " " + path + " " + version + "\r\n" + line("Host", host) +
           line("Upgrade", upgrade) + line("Connection", connection) +
           line("Sec-WebSocket-Version", number) + line("Sec-WebSocket-Key", key) + more + "\r\n";
  }
};

struct websocket_test : testing::Test {
  websocket_test() {
    options.port = 0;
    routes.add_websocket("/ws", [this](request& req) { return accept(req); });
    routes.add_websocket("/no", [](request&) -> asio::awaitable<websocket_answer> {
      auto out = problem(429, "Too Many Requests");
      out.headers.set("Retry-After", "3");
      co_return out;
    });
    routes.add("GET", "/ws", [](request&) -> asio::awaitable<response> {
      response out;
      out.body = text_body("page");
      co_return out;
    });
  }
  ~websocket_test() override {
    if (run) run->stop(0s);
  }

  asio::awaitable<websocket_answer> accept(request& req) {
    websocket_upgrade out;
    out.limits.message_bytes = message_bytes;
    out.limits.close_timeout = 200ms;
    if (req.headers.find("Sec-WebSocket-Protocol")) out.subprotocol = "chat.v2";
    out.session = [this](std::unique_ptr<websocket::connection> ws) { return echo(std::move(ws)); };
    if (goodbye) out.on_stop = goodbye;
    co_return out;
  }

  // Sends everything back until the end.
  asio::awaitable<void> echo(std::unique_ptr<websocket::connection> ws) {
    ++sessions;
    ended out;
    while (!out.error) {
      auto reading = ws->async_read(quietly);
      auto [ec, m] = co_await std::move(reading);
      out.error = ec;
      if (ec) break;
      out.messages.push_back(m.data);
      if (silent) continue;
      auto writing = ws->async_write(m.data, m.text, quietly);
      auto [sent] = co_await std::move(writing);
      (void)sent;
    }
    out.reason = ws->reason();
    std::lock_guard lock(mutex);
    all_ended.push_back(std::move(out));
    changed.notify_all();
  }

  ended wait_ended() {
    std::unique_lock lock(mutex);
    bool there = changed.wait_for(lock, 10s, [this] { return !all_ended.empty(); });
    EXPECT_TRUE(there) << "no session ended";
    return there ? all_ended.front() : ended();
  }

  void start() {
    server = std::make_unique<http_server>(fixture.make_context(), options,
                                           [this](request& req) { return routes.route(req); });
    run = std::make_unique<test::running<http_server>>(*server);
    ASSERT_NE(server->port(), 0);
  }
  raw_client connect() { return raw_client(server->port()); }
  int status(const upgrade_head& head) { return status_of(connect().exchange(head.text())); }

  test::server_fixture fixture;
  http_server_options options;
  router routes;
  std::size_t message_bytes = 64 * 1024;
  bool silent = false;
  std::function<void()> goodbye;
  std::atomic<int> sessions = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ended> all_ended;
  std::unique_ptr<http_server> server;
  std::unique_ptr<test::running<http_server>> run;
};

TEST_F(websocket_test, an_upgrade_and_an_echo) {
  start();
  auto c = connect();
  upgrade_head head;
  head.more = "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n";
  // The first frame comes along with the request.
  c.send(head.text() + frames::encode(frames::text("early"), true));
  auto answer = c.response(true);
  EXPECT_EQ(status_of(answer), 101) << answer;
  EXPECT_EQ(test::header_of(answer, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(test::header_of(answer, "Sec-WebSocket-Protocol"), "chat.v2");
  EXPECT_EQ(test::header_of(answer, "Sec-WebSocket-Extensions"), "");
  c.send(frames::encode({frames::text("late"), frames::close_frame(1000, "done")}, true));
  auto got = frames::decode(c.until_closed());
  EXPECT_FALSE(c.still_open());
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].payload, "early");
  EXPECT_EQ(got[1].payload, "late");
  EXPECT_EQ(got[2].opcode, 8);
  EXPECT_EQ(wait_ended().reason.text, "done");
}

TEST_F(websocket_test, refusals_of_the_handshake) {
  start();
  upgrade_head h;
  EXPECT_EQ(status(h), 101);
  h.key = "short";
  EXPECT_EQ(status(h), 400);
  h.key = "";
  EXPECT_EQ(status(h), 400);
  h = {};
  h.connection = "keep-alive";
  EXPECT_EQ(status(h), 400);
  h = {};
  h.method = "POST";
  h.more = "Content-Length: 0\r\n";
  EXPECT_EQ(status(h), 405);
  h = {};
  h.method = "HEAD";  // the page's
  auto page = connect();
  page.send(h.text());
  EXPECT_EQ(status_of(page.response(true)), 200);
  h = {};
  h.version = "HTTP/1.0";
  EXPECT_EQ(status(h), 400);
  h = {};
  h.more = "Content-Length: 3\r\n";
  EXPECT_EQ(status_of(connect().exchange(h.text() + "abc")), 400);
  h = {};
  h.number = "8";
  auto answer = connect().exchange(h.text());
  EXPECT_EQ(status_of(answer), 426);
  EXPECT_EQ(test::header_of(answer, "Sec-WebSocket-Version"), "13");
  EXPECT_EQ(test::header_of(answer, "Upgrade"), "websocket");
  h = {};
  h.path = "/nowhere";
  EXPECT_EQ(status(h), 404);
  h.path = "/no";
  answer = connect().exchange(h.text());
  EXPECT_EQ(status_of(answer), 429);
  EXPECT_EQ(test::header_of(answer, "Retry-After"), "3");
  h = {};
  h.upgrade = "";  // no WebSocket at all: the page of the same path
  EXPECT_EQ(test::body_of(connect().exchange(h.text())), "page");
  h.path = "/no";
  EXPECT_EQ(status(h), 426);
  EXPECT_EQ(sessions, 1);
}

TEST_F(websocket_test, a_refused_upgrade_leaves_the_connection_usable) {
  start();
  auto c = connect();
  upgrade_head h;
  h.path = "/no";
  EXPECT_EQ(status_of(c.exchange(h.text())), 429);
  h.path = "/ws";
  c.send(h.text());
  EXPECT_EQ(status_of(c.response(true)), 101);
}

TEST_F(websocket_test, origins_without_a_token) {
  options.allowed_origins = {"https://app.example"};
  start();
  auto own = "http://127.0.0.1:" + std::to_string(server->port());
  auto with = [&](const std::string& origin) {
    upgrade_head h;
    h.more = "Origin: " + origin + "\r\n";
    return status(h);
  };
  EXPECT_EQ(status({}), 101);  // a program on this machine
  EXPECT_EQ(with(own), 101);
  EXPECT_EQ(with("https://app.example"), 101);
  EXPECT_EQ(with("HTTPS://APP.example"), 101);
  for (std::string foreign :
       {"null", "https://evil.example", "https://app.example.evil.example", "http://app.example",
        "https://app.example:444", "https://xapp.example", "https://app.example/", ""})
    EXPECT_EQ(with(foreign), 403) << foreign;
  upgrade_head two;
  two.more = "Origin: https://app.example\r\nOrigin: https://evil.example\r\n";
  EXPECT_EQ(status(two), 403);
  EXPECT_EQ(fixture.metrics.value("tidewire_http_refusals_total{reason=origin}"), 9);
}

TEST_F(websocket_test, the_token_is_asked_for) {
  options.token = "secret";
  start();
  upgrade_head h;
  EXPECT_EQ(status(h), 401);
  h.more = "Authorization: Bearer wrong!\r\n";
  EXPECT_EQ(status(h), 401);
  h.more = "Authorization: Bearer secret\r\n";
  EXPECT_EQ(status(h), 101);
  h.more += "Origin: https://evil.example\r\n";
  EXPECT_EQ(status(h), 403);
}

struct server_protocol : websocket_test, testing::WithParamInterface<frames::protocol_row> {};

TEST_P(server_protocol, row) {
  const auto& row = GetParam();
  message_bytes = frames::row_message_bytes;
  silent = true;
  start();
  auto c = connect();
  c.send(upgrade_head().text());
  ASSERT_EQ(status_of(c.response(true)), 101);
  c.send(frames::encode(row.frames, true));
  if (row.end) c.half_close();
  auto bytes = c.until_closed();
  EXPECT_FALSE(c.still_open());
  auto seen = wait_ended();
  EXPECT_EQ(seen.error, make_error_code(row.outcome)) << seen.error.message();
  EXPECT_EQ(seen.messages, row.messages);
  EXPECT_EQ(static_cast<int>(seen.reason.code), row.close_seen);
  auto said = frames::answers_in(bytes);
  EXPECT_EQ(said.pongs, row.pongs);
  EXPECT_EQ(said.close, row.close_sent);
}

INSTANTIATE_TEST_SUITE_P(frames, server_protocol, testing::ValuesIn(frames::protocol_rows()),
                         [](const auto& row) { return row.param.name; });

// The whole of the process's memory, in bytes: both ends of a test run in it.
std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * 4096;
}

// Under AddressSanitizer what was freed stays resident for a while. g++ and clang say so
// differently.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool memory_can_be_measured = false;
#elif defined(__has_feature)
constexpr bool memory_can_be_measured = !__has_feature(address_sanitizer);
#else
constexpr bool memory_can_be_measured = true;
#endif

TEST_F(websocket_test, an_oversize_message_costs_no_memory) {
  start();
  auto before = resident_bytes();
  for (int i = 0; i < 20; ++i) {
    auto c = connect();
    c.send(upgrade_head().text());
    ASSERT_EQ(status_of(c.response(true)), 101);
    frames::frame f = frames::binary(std::string(512 * 1024, 'x'));
    f.announced = 1u << 30;
    c.send(frames::encode(f, true));
    auto got = frames::decode(c.until_closed());
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got.back().payload.substr(0, 2), "\x03\xf1");  // 1009
  }
  if (memory_can_be_measured) {
    EXPECT_LT(resident_bytes(), before + 16 * 1024 * 1024);
  }
}

TEST_F(websocket_test, a_stop_closes_with_going_away) {
  start();
  auto c = connect();
  c.send(upgrade_head().text());
  ASSERT_EQ(status_of(c.response(true)), 101);
  server->stop(10s);
  ASSERT_TRUE(c.receive());
  c.send(frames::encode(frames::close_frame(1001), true));
  auto got = frames::decode(c.until_closed());
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].payload, "\x03\xe9");
  EXPECT_TRUE(run->ended(5s));
}

TEST_F(websocket_test, a_stop_hook_speaks_in_its_place_and_the_grace_ends) {
  std::atomic<int> told = 0;
  goodbye = [&] { ++told; };
  start();
  auto c = connect();
  c.send(upgrade_head().text());
  ASSERT_EQ(status_of(c.response(true)), 101);
  c.send(frames::encode(frames::text("x"), true));  // echoed: the session runs
  ASSERT_TRUE(c.receive());
  c.text().clear();
  EXPECT_TRUE(run->stop(300ms));  // nobody closes: forced
  EXPECT_EQ(told, 1);
  EXPECT_EQ(c.until_closed(), "");
  EXPECT_FALSE(c.still_open());
  EXPECT_EQ(wait_ended().error, asio::error::operation_aborted);
}

TEST_F(websocket_test, our_client_and_our_server) {
  start();
  auto strand = asio::make_strand(fixture.io);
  websocket::beast_client_options direct;
  direct.proxy = "";
  auto client = websocket::make_beast_client(context(strand, rng(1)), direct);
  auto url = http::url::parse("http://127.0.0.1:" + std::to_string(server->port()) + "/ws").value();
  message_bytes = 1024 * 1024;
  auto talk = [&]() -> asio::awaitable<std::string> {
    websocket::connect_request request(url);
    auto connecting = client->async_connect(std::move(request), quietly);
    auto [ec, ws, summary] = co_await std::move(connecting);
    if (ec) co_return "connect: " + ec.message() + " " + summary.detail;
    for (std::size_t n : {0u, 1u, 125u, 126u, 65535u, 65536u, 1024u * 1024u}) {
      std::string sent(n, static_cast<char>('a' + n % 26));
      auto writing = ws->async_write(sent, n % 2 == 0, quietly);
      auto [wec] = co_await std::move(writing);
      if (wec) co_return "write: " + wec.message();
      auto pinging = ws->async_ping(quietly);
      auto [pec] = co_await std::move(pinging);
      if (pec) co_return "ping: " + pec.message();
      auto reading = ws->async_read(quietly);
      auto [rec, m] = co_await std::move(reading);
      if (rec) co_return "read: " + rec.message();
      if (m.data != sent || m.text != (n % 2 == 0)) co_return "another message came back";
    }
    auto closing = ws->async_close(websocket::close_code::normal, "bye", quietly);
    auto [cec] = co_await std::move(closing);
    co_return cec ? "close: " + cec.message() : "good";
  };
  EXPECT_EQ(asio::co_spawn(strand, talk, asio::use_future).get(), "good");
  EXPECT_EQ(wait_ended().reason.text, "bye");
}

}  // namespace
}  // namespace tidewire::server
