// The laws R1 to R10 that are the client's, each played step by step in virtual time against a
// server that does exactly what the step says; R6 is in realtime_publish_test. R11 and R12 are in
// the unit tests of the pure parts.
#include "realtime_scene.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tidewire::test {
namespace {

class RealtimeLaws : public ::testing::Test, public realtime_scene {};

TEST_F(RealtimeLaws, R1_what_is_in_the_log_is_delivered_whatever_carries_it) {
  hub.publish("room", "{}");
  hub.publish("room", "\"two\"");
  establish();
  connection->async_connect([](error_code, mode) {});
  EXPECT_EQ(last.data, "\"two\"");
  hub.publish("room", "{}");
  world.run_for(100ms);
  hub.answers = socket_answer::refuse;
  hub.kill_sockets();
  hub.publish("room", "{}");
  world.run_for(1min);
  hub.publish("room", "{}");
  world.run_for(1min);
  hub.answers = socket_answer::welcome;
  world.run_for(1min);
  hub.publish("room", "{}");
  world.run_for(1s);
  EXPECT_EQ(take(), "3 disconnected 4 connected(polling) 5 connected(websocket) 6");
  EXPECT_EQ(connection->cursor_of("room"), (cursor{"e1", 6}));
}

TEST_F(RealtimeLaws, R1_begins_with_what_is_new_unless_asked_for_more) {
  options.begin = start_at::newest;
  hub.publish("room", "{}");
  connect();
  world.run_for(1s);
  hub.publish("room", "{}");
  world.run_for(1s);
  EXPECT_EQ(take(), "connected(websocket) 2");
}

TEST_F(RealtimeLaws, R1_begins_with_what_is_new_while_polling_too) {
  options.begin = start_at::newest;
  hub.answers = socket_answer::refuse;
  hub.publish("room", "{}");
  connect();
  world.run_for(1s);
  hub.publish("room", "{}");
  world.run_for(10s);
  EXPECT_EQ(take(), "connected(polling) 2");
}

TEST_F(RealtimeLaws, R1_a_gap_on_a_socket_is_fetched) {
  establish();
  auto& log = hub.log_of("room");
  log.entries.push_back({"lost", "{}"});  // nobody was told
  hub.publish("room", "{}");
  world.run_for(1s);
  EXPECT_EQ(take(), "1 2");
  EXPECT_FALSE(connection->status().polling);
}

TEST_F(RealtimeLaws, R2_frames_that_come_twice_are_delivered_once) {
  establish();
  hub.publish("room", "{}");
  world.run_for(1s);
  auto& e = hub.log_of("room").entries[0];
  message_frame again{"room", "e1", 1, e.id, "", "", e.data};
  for (int i = 0; i < 3; ++i) hub.say(encode_frame(again));
  world.run_for(1s);
  EXPECT_EQ(take(), "1");
  EXPECT_EQ(connection->status().duplicates_dropped, 3U);
}

TEST_F(RealtimeLaws, R3_frames_out_of_order_are_put_in_order) {
  establish();
  auto& log = hub.log_of("room");
  for (int i = 1; i <= 3; ++i) log.entries.push_back({"m" + std::to_string(i), "{}"});
  for (std::uint64_t offset : {3U, 2U, 1U}) {
    message_frame m{"room", "e1", offset, "m" + std::to_string(offset), "", "", "{}"};
    hub.say(encode_frame(m));
  }
  world.run_for(1s);
  EXPECT_EQ(take(), "1 2 3");
}

TEST_F(RealtimeLaws, R4_a_new_log_gives_one_reset_by_socket_and_by_poll) {
  establish();
  hub.publish("room", "{}");
  world.run_for(1s);
  hub.begin_epoch("room", "e2");
  hub.publish("room", "{}");
  hub.kill_sockets();
  world.run_for(10s);
  EXPECT_EQ(take_messages(), "1 R(e2:0) 1");
}

TEST_F(RealtimeLaws, R4_trimmed_history_gives_one_reset) {
  establish();
  hub.publish("room", "{}");
  world.run_for(1s);
  hub.answers = socket_answer::refuse;
  hub.kill_sockets();
  world.run_for(20ms);
  hub.poll_status = 503;
  for (int i = 0; i < 9; ++i) hub.publish("room", "{}");
  hub.trim("room", 8);
  world.run_for(3s);
  hub.poll_status = 200;
  hub.answers = socket_answer::welcome;
  world.run_for(2min);
  EXPECT_EQ(connection->status().resets, 1U);
  EXPECT_EQ(connection->cursor_of("room"), (cursor{"e1", 10}));
  EXPECT_EQ(take_messages(), "1 R(e1:7) 8 9 10");
}

TEST_F(RealtimeLaws, R5_a_stored_cursor_goes_on_after_a_restart) {
  store = make_memory_cursor_store(world.get_executor());
  establish();
  hub.publish("room", "{}");
  world.run_for(1s);
  EXPECT_EQ(take(), "1");
  stop();
  hub.publish("room", "{}");
  hub.publish("room", "{}");
  open();
  take();
  connect();
  world.run_for(1s);
  EXPECT_EQ(take(), "connected(websocket) 2 3");
}

TEST_F(RealtimeLaws, R5_the_cursor_stays_behind_a_listener_that_has_not_returned) {
  connect();
  cursor seen;
  auto listening = connection->on_message().connect(
      [&](const message&) { seen = connection->cursor_of("room"); });
  hub.publish("room", "{}");
  hub.publish("room", "{}");
  world.run_for(1s);
  EXPECT_EQ(seen.offset, 1U);
  EXPECT_EQ(connection->cursor_of("room").offset, 2U);
}

TEST_F(RealtimeLaws, R7_send_is_true_by_websocket_and_only_then) {
  open();
  EXPECT_FALSE(connection->send("{\"x\":0}"));
  connect();
  EXPECT_FALSE(connection->send("{\"x\":1}"));
  world.run_for(1s);
  EXPECT_TRUE(connection->send("{\"x\":2}"));
  world.run_for(1s);
  hub.answers = socket_answer::refuse;
  hub.kill_sockets();
  world.run_for(20ms);
  EXPECT_FALSE(connection->send("{\"x\":3}"));
  world.run_for(1min);
  EXPECT_FALSE(connection->send("{\"x\":4}"));
  hub.answers = socket_answer::welcome;
  world.run_for(1min);
  std::string all;
  for (auto& f : hub.heard) all += f;
  EXPECT_NE(all.find("\"x\":2"), std::string::npos);
  for (int i : {0, 1, 3, 4}) EXPECT_EQ(all.find("\"x\":" + std::to_string(i)), std::string::npos);
}

TEST_F(RealtimeLaws, R7_after_a_sleep_nothing_is_written_into_a_dead_socket) {
  establish();
  hub.half_open();
  world.suspend(24h);
  EXPECT_FALSE(connection->send("{\"x\":1}"));
  EXPECT_EQ(connection->status().mode, mode::disconnected);
}

TEST_F(RealtimeLaws, R7_a_full_buffer_says_no) {
  options.send_buffer_bytes = 100;
  establish();
  int taken = 0;
  while (taken < 1000 && connection->send("\"0123456789\"")) ++taken;
  EXPECT_GT(taken, 0);
  EXPECT_LE(taken, 9);
  world.run_for(1s);
  EXPECT_TRUE(connection->send("\"0123456789\""));
}

TEST_F(RealtimeLaws, R8_a_first_connect_that_fails_polls_at_once) {
  hub.answers = socket_answer::refuse;
  hub.publish("room", "{}");
  connect();
  world.run_for(50ms);
  EXPECT_EQ(take(), "connected(polling) 1");
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].second, mode::polling);
  EXPECT_FALSE(outcomes[0].first);
}

TEST_F(RealtimeLaws, R8_a_server_that_upgrades_and_says_nothing_is_given_up_in_time) {
  hub.answers = socket_answer::silent;
  hub.publish("room", "{}");
  connect();
  world.run_for(4900ms);
  EXPECT_EQ(take(), "");
  world.run_for(200ms);
  EXPECT_EQ(take(), "connected(polling) 1");
}

TEST_F(RealtimeLaws, R8_no_answer_at_all_is_given_up_in_time) {
  hub.answers = socket_answer::no_answer;
  connect();
  world.run_for(5100ms);
  EXPECT_EQ(take(), "connected(polling)");
}

TEST_F(RealtimeLaws, R8_all_who_connect_get_the_same_outcome) {
  for (int i = 0; i < 3; ++i) connect();
  world.run_for(8ms);
  connect();
  world.run_for(1s);
  ASSERT_EQ(outcomes.size(), 4U);
  for (auto& o : outcomes) EXPECT_EQ(o, outcomes[0]);
  EXPECT_EQ(hub.attempts.size(), 1U);
  connect();
  world.run_for(1s);
  EXPECT_EQ(outcomes.size(), 5U);
}

TEST_F(RealtimeLaws, R8_polls_fill_the_gap_while_the_socket_is_opened_again) {
  establish();
  hub.answers = socket_answer::refuse;
  hub.kill_sockets();
  hub.publish("room", "{}");
  world.run_for(550ms);
  EXPECT_EQ(take(), "disconnected 1");
  EXPECT_EQ(connection->status().mode, mode::disconnected);
  EXPECT_TRUE(connection->status().polling);
}

TEST(RealtimeSpread, R12_clients_that_lost_the_server_together_poll_spread) {
  std::set<clock::duration> delays;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    realtime_scene one(seed);
    one.connect();
    one.world.run_for(2s);
    auto lost = one.world.now();
    one.hub.kill_sockets();
    ASSERT_TRUE(one.run_until([&] { return !one.hub.polls.empty(); }));
    delays.insert(one.hub.polls[0] - lost);
  }
  EXPECT_GT(delays.size(), 30U);
  EXPECT_LT(*delays.begin(), 100ms);
  EXPECT_GT(*delays.rbegin(), 400ms);
  EXPECT_LT(*delays.rbegin(), 550ms);
}

TEST_F(RealtimeLaws, R8_falls_back_after_the_maximum_of_attempts) {
  establish();
  hub.answers = socket_answer::refuse;
  hub.attempts.clear();
  hub.kill_sockets();
  while (connection->status().mode != mode::polling && hub.attempts.size() < 20)
    world.run_for(10ms);
  EXPECT_EQ(hub.attempts.size(), 5U);
  EXPECT_EQ(take(), "disconnected connected(polling)");
}

TEST_F(RealtimeLaws, R8_one_socket_at_a_time) {
  establish();
  for (int i = 0; i < 30; ++i) {
    hub.kill_sockets();
    connect();
    world.run_for(std::chrono::milliseconds(100 * i));
  }
  EXPECT_EQ(hub.most_sockets, 1U);
}

TEST_F(RealtimeLaws, R9_returns_to_the_websocket_within_the_probes_cap) {
  hub.answers = socket_answer::refuse;
  connect();
  world.run_for(1h);
  hub.answers = socket_answer::welcome;
  auto from = world.now();
  ASSERT_TRUE(run_until([&] { return connection->status().mode == mode::websocket; }));
  EXPECT_LE(world.now() - from, 30s + 100ms);
  world.run_for(6s);
  EXPECT_FALSE(connection->status().polling) << "bytes came: polling has ended";
  auto polls = hub.polls.size();
  world.run_for(1h);
  EXPECT_EQ(hub.polls.size(), polls);
}

TEST_F(RealtimeLaws, R9_polling_goes_on_beside_a_socket_that_carries_nothing) {
  hub.answers = socket_answer::refuse;
  connect();
  world.run_for(20s);
  hub.answers = socket_answer::welcome;
  ASSERT_TRUE(run_until([&] { return connection->status().mode == mode::websocket; }));
  hub.half_open();  // before the first pong came
  hub.answers = socket_answer::refuse;
  hub.publish("room", "{}");
  auto from = world.now();
  ASSERT_TRUE(run_until([&] { return connection->cursor_of("room").offset > 0; }));
  EXPECT_LE(world.now() - from, 6s);
}

TEST_F(RealtimeLaws, R10_nothing_of_an_old_socket_is_heard) {
  establish();
  hub.publish("room", "{}");
  hub.kill_sockets();  // the frame is on its way
  world.run_for(5s);
  EXPECT_EQ(take_messages(), "1");
  EXPECT_EQ(connection->status().mode, mode::websocket);
}

}  // namespace
}  // namespace tidewire::test
