// Bodies that wait, behind the simulated network: an event stream in virtual time.
#include <tidewire/http/error.hpp>
#include <tidewire/lab/client.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/server/event_stream.hpp>

#include <gtest/gtest.h>

namespace tidewire::lab {
namespace {

using namespace std::chrono_literals;

const std::string origin = "http://events:80";

struct listener final : http::exchange_handler {
  explicit listener(world& w) : time(w) {}
  void on_start(std::shared_ptr<http::exchange_control> c) override { control = std::move(c); }
  http::flow on_head(const http::response_head& h) override {
    status = h.status;
    return http::flow::proceed;
  }
  http::flow on_body(std::span<const std::byte> bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    last = time.now();
    return http::flow::proceed;
  }
  auto completion() {
    return [this](error_code e, http::exchange_summary) {
      over = true;
      ec = e;
    };
  }
  int count(const std::string& what) const {
    int n = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
    return n;
  }
  world& time;
  std::shared_ptr<http::exchange_control> control;
  unsigned status = 0;
  std::string text;
  clock::time_point last{};
  bool over = false;
  error_code ec;
};

struct waiting_body : testing::Test {
  waiting_body() : plan(w), net(w, plan), host_(net.add_host(origin)), c(net, w.get_executor()) {
    link_faults f;
    f.latency = 5ms;
    f.jitter = {};
    net.set_faults(f);
    host_.start(stream.get_handler());
  }
  void listen(listener& to, std::chrono::nanoseconds idle = {}) {
    http::request r(*http::url::parse(origin + "/events"));
    r.limits.idle = idle;
    c.async_exchange(std::move(r), to, to.completion());
    w.run_for(1s);
  }
  world w{3};
  fault_plan plan;
  network net;
  server::event_stream stream;
  host host_;
  client c;
};

TEST_F(waiting_body, events_come_when_they_happen_and_not_more_often_than_agreed) {
  ASSERT_TRUE(stream.publish("tide", "0"));
  listener to(w);
  listen(to);
  EXPECT_EQ(to.status, 200u);
  EXPECT_EQ(to.count("event: tide"), 1);
  auto begun = w.now();
  ASSERT_TRUE(stream.publish("tide", "1"));
  w.run_for(50ms);
  EXPECT_EQ(to.count("data: 1\n"), 1);
  EXPECT_EQ(to.last - begun, 5ms) << "at once, and the way there";
  // A thousand changes within a second: ten events or so, and the last one always.
  for (int i = 2; i <= 1001; ++i) {
    ASSERT_TRUE(stream.publish("tide", std::to_string(i)));
    w.run_for(1ms);
  }
  w.run_for(1s);
  EXPECT_EQ(to.count("data: 1001\n"), 1);
  EXPECT_GE(to.count("event: tide"), 10);
  EXPECT_LE(to.count("event: tide"), 14);
  EXPECT_FALSE(to.over);
}

TEST_F(waiting_body, silence_is_broken_by_events) {
  listener to(w);
  listen(to, 15s);
  w.run_for(60s);
  EXPECT_FALSE(to.over) << to.ec.message();
  EXPECT_GE(to.count("event: alive\n"), 5);
}

TEST_F(waiting_body, closing_the_stream_ends_it_in_good_order) {
  listener to(w);
  listen(to);
  stream.close();
  w.run_for(1s);
  EXPECT_TRUE(to.over);
  EXPECT_FALSE(to.ec) << to.ec.message();
  EXPECT_EQ(stream.subscribers(), 0u);
}

TEST_F(waiting_body, a_client_that_goes_is_forgotten) {
  listener to(w);
  listen(to);
  EXPECT_EQ(stream.subscribers(), 1u);
  to.control.reset();
  bool stopped = false;
  c.stop([&] { stopped = true; });
  w.run_for(1s);
  EXPECT_TRUE(stopped);
  EXPECT_TRUE(to.over);
  EXPECT_EQ(stream.subscribers(), 0u);
}

TEST_F(waiting_body, a_crash_of_the_server_takes_the_wait_along) {
  for (bool silent : {false, true}) {
    listener to(w);
    listen(to, 30s);
    host_.crash(silent);
    w.run_for(60s);
    EXPECT_TRUE(to.over);
    EXPECT_EQ(to.ec, silent ? make_error_code(http::errc::idle_timeout)
                            : make_error_code(http::errc::receive_failed));
    EXPECT_EQ(stream.subscribers(), 0u);
    host_.start(stream.get_handler());
  }
}

}  // namespace
}  // namespace tidewire::lab
