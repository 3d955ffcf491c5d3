// What the connection does besides the laws: heartbeat, credentials, Retry-After, offline, bad
// input, listeners that misbehave, stop and destruction.
#include "realtime_scene.hpp"

#include <tidewire/core/manual_connectivity.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace tidewire::test {
namespace {

class RealtimeConnection : public ::testing::Test, public realtime_scene {};

TEST_F(RealtimeConnection, a_half_open_socket_is_noticed_and_replaced) {
  establish();
  world.run_for(1min);
  hub.half_open();
  auto from = world.now();
  hub.publish("room", "{}");
  ASSERT_TRUE(run_until([&] { return connection->cursor_of("room").offset > 0; }));
  EXPECT_LE(world.now() - from, 36s) << "25 s of silence, two pings of 5 s, one reconnect";
}

TEST_F(RealtimeConnection, an_idle_connection_pings_and_stays) {
  establish();
  auto pings = hub.pings;
  world.run_for(1h);
  EXPECT_EQ(take(), "");
  EXPECT_GT(hub.pings, pings + 100);
  EXPECT_EQ(hub.attempts.size(), 1U);
}

TEST_F(RealtimeConnection, a_401_renews_the_token_and_uses_no_attempt) {
  rotating_tokens tokens;
  authorization = &tokens;
  tokens.fresh = "new";
  hub.token = "new";
  connect();
  world.run_for(1s);
  EXPECT_EQ(take(), "connected(websocket)");
  EXPECT_EQ(hub.attempts.size(), 2U);
  stop();
}

TEST_F(RealtimeConnection, a_401_that_stays_is_told_and_polls_renew_too) {
  rotating_tokens tokens;
  authorization = &tokens;
  hub.token = "new";
  connect();
  world.run_for(1s);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].first, realtime::errc::refused);
  tokens.fresh = "new";
  hub.publish("room", "{}");
  world.run_for(2min);
  EXPECT_EQ(take_messages(), "1");
  EXPECT_EQ(connection->status().mode, mode::websocket);
  stop();
}

TEST_F(RealtimeConnection, a_token_that_expires_is_renewed_by_socket_and_by_poll) {
  rotating_tokens tokens;
  authorization = &tokens;
  hub.token = "old";
  establish();
  hub.token = "new";
  tokens.fresh = "new";
  hub.kill_sockets();
  hub.publish("room", "{}");
  world.run_for(5s);
  EXPECT_EQ(take_messages(), "1");
  EXPECT_EQ(connection->status().mode, mode::websocket);
  hub.token = "newer";
  tokens.fresh = "newer";
  hub.answers = socket_answer::refuse;
  hub.kill_sockets();
  hub.publish("room", "{}");
  auto receipt = publish("{}");
  world.run_for(10s);
  EXPECT_EQ(take_messages(), "2 3");
  EXPECT_EQ(receipt->state, receipt_state::acked);
  stop();
}

TEST_F(RealtimeConnection, a_proxy_that_cuts_each_socket_after_a_minute) {
  establish();
  std::string expected;
  for (int i = 1; i <= 300; ++i) {
    hub.publish("room", "{}");
    expected += (i > 1 ? " " : "") + std::to_string(i);
    world.run_for(7s);
    if (i % 9 == 0) hub.kill_sockets();
  }
  world.run_for(10s);
  EXPECT_EQ(take_messages(), expected);
  EXPECT_EQ(connection->status().mode, mode::websocket);
}

// Frames that a proxy holds back come too late to be heard; polls, which it lets pass, take over.
TEST_F(RealtimeConnection, a_proxy_that_buffers_frames) {
  establish();
  hub.latency = 50s;
  for (int i = 0; i < 20; ++i) {
    hub.publish("room", "{}");
    world.run_for(10s);
  }
  EXPECT_EQ(connection->cursor_of("room").offset, 20U);
  hub.latency = 5ms;
  world.run_for(2min);
  EXPECT_EQ(connection->status().mode, mode::websocket);
  EXPECT_EQ(take_messages(), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
}

TEST_F(RealtimeConnection, a_machine_that_slept_for_a_day_goes_on_at_once) {
  establish();
  hub.half_open();
  for (int i = 0; i < 3; ++i) hub.publish("room", "{}");
  auto receipt = publish("{}");
  world.suspend(24h);
  world.run_for(3s);
  EXPECT_EQ(take_messages(), "1 2 3 4");
  EXPECT_EQ(receipt->state, receipt_state::acked);
  world.run_for(5s);
  EXPECT_EQ(connection->status().mode, mode::websocket);
}

TEST_F(RealtimeConnection, what_was_refused_for_its_token_is_known_not_to_be_there) {
  hub.token = "new";
  hub.answers = socket_answer::refuse;
  connect();
  auto receipt = publish("{}");
  world.run_for(10s);
  EXPECT_GT(hub.refused_tokens, 1U);
  stop();
  EXPECT_EQ(receipt->state, receipt_state::rejected);
  EXPECT_FALSE(receipt->sent);
}

TEST_F(RealtimeConnection, retry_after_binds_polls) {
  hub.answers = socket_answer::refuse;
  hub.poll_status = 503;
  hub.retry_after = 20;
  connect();
  world.run_for(19s);
  EXPECT_EQ(hub.polls.size(), 1U);
  hub.poll_status = 200;
  hub.publish("room", "{}");
  world.run_for(10s);
  EXPECT_EQ(take(), "connected(polling) 1");
}

TEST_F(RealtimeConnection, a_server_that_says_goodbye_is_obeyed) {
  establish();
  hub.attempts.clear();
  hub.say("{\"t\":\"bye\",\"why\":\"drain\",\"retry_ms\":20000}");
  world.run_for(19s);
  EXPECT_EQ(hub.attempts.size(), 0U);
  world.run_for(3s);
  EXPECT_EQ(take(), "disconnected connected(websocket)");
}

TEST_F(RealtimeConnection, unchanged_polls_are_answered_with_304) {
  hub.answers = socket_answer::refuse;
  hub.publish("room", "{}");
  connect();
  world.run_for(1min);
  EXPECT_GT(hub.not_modified, 5U);
  hub.publish("room", "{}");
  world.run_for(10s);
  EXPECT_EQ(take(), "connected(polling) 1 2");
}

TEST_F(RealtimeConnection, more_than_one_answer_holds_is_fetched_without_pause) {
  hub.answers = socket_answer::refuse;
  options.poll_limit = 10;
  for (int i = 0; i < 95; ++i) hub.publish("room", "{}");
  connect();
  world.run_for(2s);
  EXPECT_EQ(connection->cursor_of("room").offset, 95U);
}

TEST_F(RealtimeConnection, offline_nothing_is_sent_and_online_it_goes_on_at_once) {
  manual_connectivity link;
  network_hook = &link;
  establish();
  link.set_online(false);
  hub.kill_sockets();
  world.run_for(1min);
  hub.attempts.clear();
  hub.polls.clear();
  hub.publish("room", "{}");
  world.run_for(1h);
  EXPECT_EQ(hub.attempts.size() + hub.polls.size(), 0U);
  link.set_online(true);
  world.run_for(100ms);
  EXPECT_EQ(take_messages(), "1");
  EXPECT_EQ(connection->status().mode, mode::websocket);
  stop();
}

TEST_F(RealtimeConnection, frames_that_can_not_be_read_cost_the_socket_and_nothing_else) {
  establish();
  const std::string bad[] = {"",
                             "{",
                             "[]",
                             "{\"t\":1}",
                             "\xff\xfe",
                             std::string(200'000, '['),
                             "{\"t\":\"msg\",\"ch\":\"room\"}"};
  for (auto& frame : bad) {
    hub.say(frame);
    hub.publish("room", "{}");
    world.run_for(10s);
  }
  hub.say("{\"t\":\"from-the-future\",\"x\":1}");
  world.run_for(10s);
  EXPECT_EQ(connection->cursor_of("room").offset, 7U);
  EXPECT_EQ(connection->status().mode, mode::websocket);
  EXPECT_EQ(hub.attempts.size(), 8U) << "the unknown one is skipped";
}

TEST_F(RealtimeConnection, channels_are_kept_apart) {
  options.channels = {"room", "hall"};
  hub.publish("room", "{}");
  hub.publish("hall", "{}");
  hub.publish("elsewhere", "{}");
  connect();
  world.run_for(1s);
  hub.answers = socket_answer::refuse;
  hub.kill_sockets();
  hub.publish("hall", "{}");
  world.run_for(1s);
  EXPECT_EQ(connection->cursor_of("room"), (cursor{"e1", 1}));
  EXPECT_EQ(connection->cursor_of("hall"), (cursor{"e1", 2}));
  EXPECT_EQ(connection->cursor_of("elsewhere"), cursor());
}

TEST_F(RealtimeConnection, a_listener_that_throws_harms_nobody) {
  connect();
  auto bad = connection->on_message().connect(
      [](const message&) { throw std::runtime_error("listener"); });
  hub.publish("room", "{}");
  hub.publish("room", "{}");
  world.run_for(1s);
  EXPECT_EQ(take(), "connected(websocket) 1 2");
}

TEST_F(RealtimeConnection, a_listener_that_blocks_harms_nobody) {
  connect();
  world.run_for(2s);
  auto slow = connection->on_message().connect([this](const message&) { world.suspend(10min); });
  for (int i = 0; i < 3; ++i) hub.publish("room", "{}");
  world.run_for(1h);
  EXPECT_EQ(take_messages(), "1 2 3");
  EXPECT_EQ(connection->status().mode, mode::websocket);
}

TEST_F(RealtimeConnection, a_server_that_wants_another_token_by_a_frame_is_understood) {
  rotating_tokens tokens;
  authorization = &tokens;
  establish();
  hub.attempts.clear();
  hub.say("{\"t\":\"bye\",\"why\":\"token\"}");
  auto asked = tokens.asked;
  world.run_for(100ms);
  EXPECT_EQ(hub.attempts.size(), 1U) << "at once";
  EXPECT_GT(tokens.asked, asked);
  stop();
}

TEST_F(RealtimeConnection, a_listener_may_use_the_connection) {
  connect();
  int sent = 0;
  auto again = connection->on_message().connect([&](const message& m) {
    sent += connection->send("{\"got\":" + std::to_string(m.offset) + "}") ? 1 : 0;
    connect();
    if (m.offset < 3) publish("{}");
  });
  hub.publish("room", "{}");
  world.run_for(1s);
  EXPECT_EQ(take(), "connected(websocket) 1 2 3");
  EXPECT_EQ(sent, 3);
}

TEST_F(RealtimeConnection, a_listener_may_destroy_the_connection) {
  for (int by : {0, 1, 2, 3}) {
    SCOPED_TRACE(by);
    hub.answers = socket_answer::welcome;
    open();
    auto destroy = [&] {
      connection.reset();
      take();
    };
    auto a = connection->on_message().connect([&](const message&) {
      if (by == 0) destroy();
    });
    auto b = connection->on_connected().connect([&](const connected_event&) {
      if (by == 1) destroy();
    });
    auto c = connection->on_disconnected().connect([&](const disconnected_event&) {
      if (by == 2) destroy();
    });
    auto d = connection->on_error().connect([&](const error_event&) {
      if (by == 3) destroy();
    });
    hub.publish("room", "{}");
    hub.publish("room", "{}");
    connect();
    outcomes.clear();
    auto receipt = publish("{}");
    world.run_for(1s);
    hub.answers = socket_answer::refuse;
    hub.kill_sockets();
    world.run_for(1min);
    EXPECT_FALSE(connection);
    EXPECT_EQ(take(), "") << "nothing is delivered after that";
    EXPECT_EQ(outcomes.size(), 1U);
    EXPECT_NE(receipt->reason, "pending");
    EXPECT_EQ(hub.open_sockets(), 0U);
    listeners.clear();
    others.clear();
  }
}

TEST_F(RealtimeConnection, nothing_is_delivered_after_stop_and_nothing_is_left) {
  establish();
  publish("{}");
  bool stopped = false;
  connection->async_stop([&] { stopped = true; });
  for (int i = 0; i < 1000 && !stopped; ++i) world.run_for(1ms);
  ASSERT_TRUE(stopped);
  take();
  hub.publish("room", "{}");
  EXPECT_EQ(hub.open_sockets(), 0U);
  world.run_for(1h);
  EXPECT_EQ(take(), "");
  connect();
  world.run_for(1s);
  EXPECT_EQ(outcomes.back().first, tidewire::errc::stopped);
  bool again = false;
  connection->async_stop([&] { again = true; });
  world.run_for(1s);
  EXPECT_TRUE(again);
}

TEST_F(RealtimeConnection, stop_before_the_start_is_fine) {
  open();
  stop();
}

TEST_F(RealtimeConnection, options_without_a_way_are_refused) {
  options.websocket_url.reset();
  options.poll_url.reset();
  connect();
  world.run_for(1s);
  EXPECT_EQ(outcomes.back().first, tidewire::errc::invalid_argument);
}

TEST_F(RealtimeConnection, without_channels_it_publishes_only) {
  options.channels.clear();
  connect();
  auto by_socket = publish("1");
  world.run_for(1s);
  EXPECT_EQ(by_socket->state, receipt_state::acked);
  hub.answers = socket_answer::refuse;
  hub.kill_sockets();
  auto by_post = publish("2");
  world.run_for(1min);
  EXPECT_EQ(by_post->state, receipt_state::acked);
  EXPECT_TRUE(hub.polls.empty());
}

TEST_F(RealtimeConnection, without_a_poll_url_it_goes_on_trying) {
  options.poll_url.reset();
  hub.answers = socket_answer::refuse;
  connect();
  world.run_for(1s);
  EXPECT_EQ(outcomes.back().first, realtime::errc::unavailable);
  hub.answers = socket_answer::welcome;
  world.run_for(1min);
  EXPECT_EQ(take(), "connected(websocket)");
}

TEST_F(RealtimeConnection, without_a_websocket_url_it_polls) {
  options.websocket_url.reset();
  hub.publish("room", "{}");
  connect();
  world.run_for(1s);
  EXPECT_EQ(take(), "connected(polling) 1");
  auto receipt = publish("{}");
  world.run_for(10s);
  EXPECT_EQ(receipt->state, receipt_state::acked);
  EXPECT_EQ(take(), "2");
}

}  // namespace
}  // namespace tidewire::test
