#include "raw_client_test_support.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/server/event_stream.hpp>
#include <tidewire/server/http_server.hpp>
#include <tidewire/server/router.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <optional>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;
using test::raw_client;

// Has nothing until it is told to; then one word.
struct gate {
  std::atomic<bool> open = false;
  std::atomic<int> waiting = 0, bodies = 0;
};

class gated_body final : public response_body {
 public:
  gated_body(gate& g, std::optional<std::uint64_t> size, const executor& ex)
      : gate_(g), size_(size), timer_(ex) {
    ++gate_.bodies;
  }
  ~gated_body() override { --gate_.bodies; }
  std::optional<std::uint64_t> size() const override { return size_; }
  result<std::size_t> read(std::span<std::byte> space) override {
    if (done_) return std::size_t(0);
    if (!gate_.open) return make_error_code(boost::system::errc::resource_unavailable_try_again);
    done_ = true;
    std::fill_n(space.begin(), 4, std::byte('x'));
    return std::size_t(4);
  }
  asio::awaitable<void> ready() override {
    ++gate_.waiting;
    while (!gate_.open) {
      timer_.expires_after(5ms);
      co_await timer_.async_wait();
    }
  }

 private:
  gate& gate_;
  std::optional<std::uint64_t> size_;
  timer timer_;
  bool done_ = false;
};

struct waiting_bodies : testing::Test {
  waiting_bodies() {
    options.port = 0;
    auto gated = [this](std::optional<std::uint64_t> size) {
      return [this, size](request&) -> asio::awaitable<response> {
        auto ex = co_await asio::this_coro::executor;
        response out;
        out.body = std::make_unique<gated_body>(shared, size, ex);
        co_return out;
      };
    };
    routes.add("GET", "/sized", gated(4));
    routes.add("GET", "/unsized", gated(std::nullopt));
    routes.add("GET", "/", [](request&) -> asio::awaitable<response> {
      response out;
      out.body = text_body("hello");
      co_return out;
    });
    routes.add("GET", "/events", stream.get_handler());
  }
  void start() {
    auto answer = [this](request& req) { return routes.route(req); };
    server = std::make_unique<http_server>(fixture.make_context(), options, answer);
    run = std::make_unique<test::running<http_server>>(*server);
  }
  raw_client ask(const std::string& path) {
    raw_client client(server->port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client;
  }
  // Real threads: looks again until it is so.
  static bool becomes(const std::function<bool()>& so) {
    for (int i = 0; i < 2000 && !so(); ++i) ::poll(nullptr, 0, 5);
    return so();
  }

  test::server_fixture fixture;
  http_server_options options;
  event_stream stream;
  gate shared;
  router routes;
  std::unique_ptr<http_server> server;
  std::unique_ptr<test::running<http_server>> run;
};

TEST_F(waiting_bodies, the_head_goes_out_before_the_wait) {
  start();
  for (auto path : {"/sized", "/unsized"}) {
    shared.open = false;
    shared.waiting = 0;
    auto client = ask(path);
    ASSERT_TRUE(client.receive());
    ASSERT_TRUE(becomes([&] { return shared.waiting > 0; }));
    // The client may ask for the next thing meanwhile; it waits for its turn.
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    shared.open = true;
    auto text = client.until_closed();
    EXPECT_EQ(test::status_of(text), 200);
    EXPECT_NE(text.find("xxxx"), text.npos) << text;
    EXPECT_TRUE(text.ends_with("hello")) << text;
  }
}

TEST_F(waiting_bodies, end_when_the_client_goes_away) {
  start();
  {
    auto client = ask("/unsized");
    ASSERT_TRUE(becomes([&] { return shared.waiting > 0; }));
  }
  EXPECT_TRUE(becomes([&] { return shared.bodies == 0; }));
}

TEST_F(waiting_bodies, end_at_once_when_the_server_stops) {
  start();
  auto client = ask("/unsized");
  ASSERT_TRUE(becomes([&] { return shared.waiting > 0; }));
  // Nothing but the end of the wait could end the run before an hour has passed.
  EXPECT_TRUE(run->stop(1h));
  EXPECT_EQ(shared.bodies, 0);
  auto text = client.until_closed();
  EXPECT_FALSE(client.still_open());
  EXPECT_FALSE(text.ends_with("0\r\n\r\n")) << "a body that was cut must not look whole";
}

TEST_F(waiting_bodies, a_wait_outlasts_the_write_deadline) {
  options.write_deadline = 50ms;
  start();
  auto client = ask("/sized");
  ASSERT_TRUE(becomes([&] { return shared.waiting > 0; }));
  EXPECT_FALSE(client.receive(10ms) && client.receive(300ms));
  EXPECT_TRUE(client.still_open());
  shared.open = true;
  EXPECT_TRUE(client.response().ends_with("xxxx"));
}

TEST_F(waiting_bodies, events_are_pushed_and_the_newest_wins) {
  ASSERT_TRUE(stream.publish("depth", "1"));
  ASSERT_TRUE(stream.publish("tide", "low"));
  start();
  auto client = ask("/events");
  std::string text;
  auto sees = [&](const std::string& what) {
    while (text.find(what) == text.npos)
      if (!client.receive())
        break;
      else
        text = client.until_closed(0ms);
    return text.find(what) != text.npos;
  };
  EXPECT_TRUE(sees("retry: 1000\n\n"));
  EXPECT_TRUE(sees("event: depth\ndata: 1\n\n")) << text;
  EXPECT_TRUE(sees("event: tide\ndata: low\n\n")) << text;
  EXPECT_NE(text.find("Content-Type: text/event-stream"), text.npos);
  for (int i = 2; i <= 1000; ++i) ASSERT_TRUE(stream.publish("depth", std::to_string(i)));
  EXPECT_TRUE(sees("data: 1000\n\n"));
  auto count = 0;
  for (auto at = text.find("event: depth"); at != text.npos; at = text.find("event: depth", at + 1))
    ++count;
  EXPECT_LT(count, 500) << "1000 changes in a moment are not worth 1000 events";
  EXPECT_EQ(stream.subscribers(), 1u);
  stream.close();
  EXPECT_TRUE(sees("\r\n0\r\n\r\n"));
  EXPECT_TRUE(becomes([&] { return stream.subscribers() == 0; }));
  EXPECT_EQ(test::status_of(ask("/events").response()), 503);
}

TEST(event_stream, keeps_its_bounds) {
  event_stream_options options;
  options.max_topics = 2;
  options.max_state_bytes = 10;
  event_stream stream(options);
  EXPECT_TRUE(stream.publish("a", "1"));
  EXPECT_TRUE(stream.publish("b-2_C", "0123456789"));
  EXPECT_EQ(stream.publish("c", "1").error(), make_error_code(errc::limit_exceeded));
  EXPECT_EQ(stream.publish("a", "0123456789a").error(), make_error_code(errc::limit_exceeded));
  for (auto topic : {"", "a b", "a\nb", "a:"})
    EXPECT_EQ(stream.publish(topic, "1").error(), make_error_code(errc::invalid_argument));
}

}  // namespace
}  // namespace tidewire::server
