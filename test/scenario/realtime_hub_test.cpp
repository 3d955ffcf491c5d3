// The connection and the backend's hub together: what the server refuses, forgets or ends, and what
// the client makes of it. In virtual time.
#include "server/hub_test_support.hpp"

#include <tidewire/lab/client.hpp>
#include <tidewire/realtime/realtime_connection.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::test {
namespace {

using namespace std::chrono_literals;
using namespace realtime;
using server::test::hub_world;

// A client of a hub_world, and what its listeners hear: "1 2 R(epoch) 3".
class hub_client {
 public:
  explicit hub_client(hub_world& world, std::string name = "ann")
      : w(world), sockets(w.network, w.clients.get_executor(), name) {
    lab::client_options o;
    o.name = name;
    http = std::make_unique<lab::client>(w.network, w.clients.get_executor(), o);
    options.websocket_url = *http::url::parse(std::string(hub_world::origin) + "/realtime/" + name);
    options.poll_url = *http::url::parse(std::string(hub_world::origin) + "/messages");
    options.channels = {"room"};
    options.begin = start_at::oldest;
  }
  void connect() {
    connection_parts parts;
    parts.sockets = &sockets;
    parts.http = http.get();
    context ctx(w.clients.get_executor(), rng(11));
    connection = std::make_unique<realtime_connection>(ctx, parts, options);
    messages = *connection->on_message().connect(
        [this](const message& m) { say(std::to_string(m.offset)); });
    resets =
        *connection->on_reset().connect([this](const reset& r) { say("R(" + r.reason + ")"); });
    lost = *connection->on_disconnected().connect(
        [this](const disconnected_event& e) { reasons.push_back(e.reason); });
    connection->async_connect([](error_code, mode) {});
  }
  void say(const std::string& what) { heard += (heard.empty() ? "" : " ") + what; }

  hub_world& w;
  lab::websocket_client sockets;
  std::unique_ptr<lab::client> http;
  connection_options options;
  std::unique_ptr<realtime_connection> connection;
  signal<message>::connection messages;
  signal<reset>::connection resets;
  signal<disconnected_event>::connection lost;
  std::string heard;
  std::vector<std::string> reasons;
};

std::string numbers(int first, int last) {
  std::string out;
  for (int i = first; i <= last; ++i) out += (i > first ? " " : "") + std::to_string(i);
  return out;
}

// By WebSocket, or by polls alone.
class RealtimeHub : public testing::TestWithParam<bool> {
 protected:
  void connect(const cursor& from) {
    client.options.cursors["room"] = from;
    if (!GetParam()) client.options.websocket_url.reset();
    client.connect();
    w.world.run_for(2s);
  }
  std::string epoch() { return w.store->state("room")->epoch; }

  hub_world w;
  hub_client client{w};
};

TEST_P(RealtimeHub, an_unknown_epoch_gives_one_reset_and_goes_on) {
  w.fill("room", 3);
  connect({"of another log", 2});
  w.fill("room", 1);
  w.world.run_for(30s);
  EXPECT_EQ(client.heard, "R(epoch) 1 2 3 4");
  EXPECT_EQ(client.connection->cursor_of("room"), (cursor{epoch(), 4}));
}

// As when a server was set back to an older backup.
TEST_P(RealtimeHub, an_offset_from_the_future_gives_one_reset_and_goes_on) {
  w.fill("room", 3);
  connect({epoch(), 100});
  w.fill("room", 1);
  w.world.run_for(30s);
  EXPECT_EQ(client.heard, "R(epoch) 4");
  EXPECT_EQ(client.connection->cursor_of("room"), (cursor{epoch(), 4}));
}

TEST_P(RealtimeHub, a_log_that_begins_anew_gives_one_reset_and_goes_on) {
  w.fill("room", 2);
  connect({epoch(), 0});
  w.hub->async_begin_anew("room", [](error_code, const server::log_state&) {});
  w.world.run_for(30s);
  w.fill("room", 2);
  w.world.run_for(30s);
  EXPECT_EQ(client.heard, "1 2 R(epoch) 1 2");
}

TEST_P(RealtimeHub, a_server_that_is_killed_loses_nothing) {
  connect({});
  for (int i = 0; i < 5; ++i) {
    w.fill("room", 1);
    w.start();
    w.fill("room", 1);
    w.world.run_for(20s);
  }
  EXPECT_EQ(client.heard, numbers(1, 10));
}

INSTANTIATE_TEST_SUITE_P(by, RealtimeHub, testing::Bool(),
                         [](const auto& row) { return row.param ? "websocket" : "polling"; });

TEST(RealtimeHubLimits, who_is_too_slow_is_closed_and_comes_back_without_a_gap) {
  server::message_hub_options o;
  o.queue_messages = 3;
  hub_world w(o);
  hub_client client(w);
  client.connect();
  w.world.run_for(2s);
  // All in one transaction: more than a subscriber may be behind.
  for (int i = 0; i < 40; ++i)
    w.hub->async_publish({"room", std::to_string(i), "", "1"},
                         [](error_code, const server::append_outcome&) {});
  w.world.run_for(30s);
  EXPECT_EQ(client.heard, numbers(1, 40));
  ASSERT_FALSE(client.reasons.empty()) << "it was never too slow";
  EXPECT_EQ(client.reasons[0], "slow");
  EXPECT_EQ(client.connection->status().mode, mode::websocket);
}

TEST(RealtimeHubLimits, a_server_that_goes_is_left_and_found_again) {
  hub_world w;
  hub_client client(w);
  client.connect();
  w.world.run_for(2s);
  w.fill("room", 2);
  w.hub->drain();
  w.world.run_for(100ms);
  EXPECT_EQ(client.reasons, std::vector<std::string>{"drain"});
  w.fill("room", 1);
  w.start();
  w.fill("room", 1);
  w.world.run_for(15s);
  EXPECT_EQ(client.heard, numbers(1, 4));
  EXPECT_EQ(client.connection->status().mode, mode::websocket);
}

TEST(RealtimeHubLimits, a_publisher_that_is_too_fast_keeps_his_order) {
  server::message_hub_options o;
  o.publish_per_second = 50;
  o.publish_burst = 5;
  hub_world w(o);
  hub_client client(w);
  client.connect();
  w.world.run_for(2s);
  std::vector<std::uint64_t> offsets;
  for (int i = 0; i < 200; ++i)
    client.connection->async_publish(
        "room", std::to_string(i), std::to_string(i),
        [&](error_code, const publish_receipt& r) { offsets.push_back(r.offset); });
  w.world.run_for(1min);
  auto page = w.store->read("room", 0, 1000, 1 << 20);
  ASSERT_EQ(page->messages.size(), 200U);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(page->messages[i].data, std::to_string(i));
  EXPECT_TRUE(std::is_sorted(offsets.begin(), offsets.end()));
  EXPECT_EQ(offsets.size(), 200U);
  EXPECT_EQ(client.heard, numbers(1, 200));
}

}  // namespace
}  // namespace tidewire::test
