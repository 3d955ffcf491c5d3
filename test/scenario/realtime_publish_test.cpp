// Law R6, played step by step in virtual time: a publication is in the log once, in order, and ends
// with one receipt.
#include "realtime_scene.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tidewire::test {
namespace {

class RealtimePublish : public ::testing::Test, public realtime_scene {};

TEST_F(RealtimePublish, R6_a_publication_is_in_the_log_once_whatever_is_lost) {
  establish();
  hub.lose_acks = true;
  auto receipt = publish("\"a\"");
  world.run_for(1s);
  EXPECT_EQ(receipt->reason, "pending");
  hub.answers = socket_answer::refuse;
  hub.kill_sockets();
  world.run_for(1s);
  hub.lose_acks = false;
  world.run_for(1min);
  EXPECT_EQ(receipt->state, receipt_state::acked);
  EXPECT_EQ(receipt->offset, 1U);
  EXPECT_TRUE(receipt->duplicate);
  EXPECT_EQ(hub.log_of("room").head(), 1U);
}

TEST_F(RealtimePublish, R6_publications_keep_their_order_over_transports) {
  establish();
  std::vector<std::shared_ptr<publish_receipt>> receipts;
  for (int i = 0; i < 20; ++i) receipts.push_back(publish(std::to_string(i)));
  hub.answers = socket_answer::refuse;
  world.run_for(7ms);  // some have arrived, no answer has
  hub.kill_sockets();
  for (int i = 20; i < 40; ++i) receipts.push_back(publish(std::to_string(i)));
  world.run_for(1min);
  ASSERT_EQ(hub.log_of("room").head(), 40U);
  for (std::uint64_t i = 0; i < 40; ++i) {
    EXPECT_EQ(hub.log_of("room").entries[i].data, std::to_string(i));
    EXPECT_EQ(receipts[i]->state, receipt_state::acked);
  }
}

// What is published while the first socket opens goes by POST; what comes then by the socket must
// not overtake it, neither in the log nor in the receipts.
TEST(RealtimePublishOrder, R6_publications_keep_their_order_when_a_socket_takes_over) {
  for (auto arrives : {0ms, 3ms, 8ms, 30ms, 200ms}) {
    for (auto answered : {0ms, 3ms, 8ms, 30ms, 200ms}) {
      SCOPED_TRACE(std::to_string(arrives.count()) + ", " + std::to_string(answered.count()));
      realtime_scene one;
      one.hub.post_takes = arrives;
      one.hub.answer_takes = answered;
      one.connect();
      std::string receipts, expected;
      for (int i = 0; i < 60; ++i) {
        one.connection->async_publish("room", std::to_string(i), "",
                                      [&](error_code, const publish_receipt& r) {
                                        receipts += std::to_string(r.offset) + " ";
                                      });
        one.world.run_for(1ms);
      }
      one.world.run_for(10s);
      ASSERT_EQ(one.hub.log_of("room").head(), 60U);
      for (int i = 0; i < 60; ++i) {
        EXPECT_EQ(one.hub.log_of("room").entries[static_cast<std::size_t>(i)].data,
                  std::to_string(i));
        expected += std::to_string(i + 1) + " ";
      }
      EXPECT_EQ(receipts, expected);
      EXPECT_EQ(one.connection->status().mode, mode::websocket);
    }
  }
}

TEST_F(RealtimePublish, R6_a_post_that_is_not_answered_does_not_hold_up_a_socket_for_long) {
  hub.post_takes = 1h;
  hub.answers = socket_answer::refuse;
  connect();
  world.run_for(100ms);
  auto first = publish("1"), second = publish("2");
  world.run_for(1s);
  hub.answers = socket_answer::welcome;
  ASSERT_TRUE(run_until([&] { return connection->status().mode == mode::websocket; }));
  world.run_for(2100ms);
  EXPECT_EQ(first->offset, 1U);
  EXPECT_EQ(second->offset, 2U);
  for (auto& e : errors) EXPECT_EQ(e.detail.find("publishing"), std::string::npos) << e.detail;
}

TEST_F(RealtimePublish, R6_a_rejected_one_says_why_by_both_transports) {
  establish();
  hub.nack = "not-you";
  auto by_socket = publish("{}");
  world.run_for(1s);
  EXPECT_EQ(by_socket->state, receipt_state::rejected);
  EXPECT_EQ(by_socket->reason, "not-you");
  hub.answers = socket_answer::refuse;
  hub.kill_sockets();
  auto by_post = publish("{}");
  world.run_for(1s);
  EXPECT_EQ(by_post->state, receipt_state::rejected);
}

TEST_F(RealtimePublish, R6_stop_leaves_no_receipt_open) {
  establish();
  hub.lose_acks = true;
  auto sent = publish("{}");
  world.run_for(1s);
  hub.answers = socket_answer::no_answer;
  hub.poll_status = 503;
  hub.kill_sockets();
  world.run_for(1s);
  auto unsent = publish("{}");
  stop();
  EXPECT_EQ(sent->state, receipt_state::unknown);
  EXPECT_EQ(unsent->state, receipt_state::rejected);
}

TEST_F(RealtimePublish, R6_a_time_limit_ends_it) {
  options.publish_timeout = 10s;
  hub.lose_acks = true;
  establish();
  auto receipt = publish("{}");
  world.run_for(9s);
  EXPECT_EQ(receipt->reason, "pending");
  world.run_for(2s);
  EXPECT_EQ(receipt->state, receipt_state::unknown);
}

TEST_F(RealtimePublish, R6_a_full_queue_makes_publishers_wait_in_turn) {
  options.publish_queue_messages = 2;
  open();
  std::vector<std::shared_ptr<publish_receipt>> receipts;
  for (int i = 0; i < 10; ++i) receipts.push_back(publish(std::to_string(i)));
  world.run_for(1s);
  EXPECT_EQ(connection->status().unanswered_publications, 2U);
  connect();
  world.run_for(10s);
  ASSERT_EQ(hub.log_of("room").head(), 10U);
  for (std::uint64_t i = 0; i < 10; ++i)
    EXPECT_EQ(hub.log_of("room").entries[i].data, std::to_string(i));
}

}  // namespace
}  // namespace tidewire::test
