// Law R6 on the client's side: every message ends with one receipt, and goes out again until then.
#include "realtime/publish_queue.hpp"

#include <tidewire/core/rng.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace tidewire::realtime {
namespace {

using namespace std::chrono_literals;
constexpr auto never = clock::time_point::max();

clock::time_point at(clock::duration d) {
  return clock::time_point() + d;
}

publication pub(const std::string& id) {
  return {id, "room", "{}"};
}

std::string next_id(publish_queue& q, std::uint64_t generation, clock::time_point now = {}) {
  auto* p = q.next(generation, now);
  return p ? p->id : "-";
}

publish_queue with(std::initializer_list<const char*> ids, publish_bounds bounds = {}) {
  publish_queue q(bounds);
  for (const auto* id : ids) q.add(pub(id), never);
  return q;
}

TEST(publish_queue, sends_in_order_each_once_on_a_transport) {
  auto q = with({"a", "b"});
  EXPECT_EQ(next_id(q, 1), "a");
  EXPECT_EQ(next_id(q, 1), "b");
  EXPECT_EQ(next_id(q, 1), "-");
  auto receipt = q.acked("a", 58, false);
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->state, receipt_state::acked);
  EXPECT_EQ(receipt->offset, 58U);
  EXPECT_EQ(q.size(), 1U);
}

TEST(publish_queue, sends_again_what_a_lost_transport_did_not_answer) {
  auto q = with({"a", "b", "c"});
  next_id(q, 1);
  next_id(q, 1);
  q.acked("a", 1, false);
  q.lost(1);
  EXPECT_EQ(next_id(q, 2), "b");
  EXPECT_EQ(next_id(q, 2), "c");
  q.lost(1);
  EXPECT_EQ(next_id(q, 2), "-") << "what the new one carries is not touched";
}

TEST(publish_queue, nothing_overtakes_what_another_transport_has) {
  auto q = with({"a", "b"});
  EXPECT_EQ(next_id(q, 1), "a");
  EXPECT_EQ(next_id(q, 2), "-");
  q.acked("a", 1, false);
  EXPECT_EQ(next_id(q, 2), "b");
}

TEST(publish_queue, an_answer_counts_whoever_brings_it_and_once) {
  auto q = with({"a"});
  next_id(q, 1);
  q.lost(1);
  EXPECT_TRUE(q.acked("a", 3, false)) << "a late answer is an answer";
  EXPECT_FALSE(q.acked("a", 3, true));
  EXPECT_FALSE(q.rejected("a", "no"));
  EXPECT_FALSE(q.acked("z", 1, false));
}

TEST(publish_queue, bounds_what_is_under_way) {
  auto q = with({"a", "b", "c"}, {10, 1000, 2});
  EXPECT_EQ(next_id(q, 1), "a");
  EXPECT_EQ(next_id(q, 1), "b");
  EXPECT_EQ(next_id(q, 1), "-");
  q.acked("a", 1, false);
  EXPECT_EQ(next_id(q, 1), "c");
}

TEST(publish_queue, has_room_within_its_bounds_and_for_one_that_is_larger) {
  publish_queue q({2, 20, 2});
  EXPECT_TRUE(q.has_room(1000));
  q.add(pub("a"), never);
  EXPECT_TRUE(q.has_room(7));
  EXPECT_FALSE(q.has_room(1000));
  q.add(pub("b"), never);
  EXPECT_FALSE(q.has_room(1));
  q.acked("a", 1, false);
  EXPECT_TRUE(q.has_room(7));
  EXPECT_EQ(q.bytes(), 7U);
}

TEST(publish_queue, refuses_an_id_that_is_in_it) {
  auto q = with({"a"});
  EXPECT_FALSE(q.add(pub("a"), never));
  EXPECT_EQ(q.size(), 1U);
}

TEST(publish_queue, waits_as_the_server_asked_and_keeps_the_order) {
  auto q = with({"a", "b"});
  next_id(q, 1);
  q.later("a", at(5s));
  EXPECT_EQ(next_id(q, 1, at(4s)), "-");
  EXPECT_EQ(q.deadline(at(4s)), at(5s));
  EXPECT_EQ(next_id(q, 1, at(5s)), "a");
  EXPECT_EQ(next_id(q, 1, at(5s)), "b");
  EXPECT_EQ(q.deadline(at(5s)), std::nullopt);
}

TEST(publish_queue, what_went_out_behind_a_deferred_one_goes_out_again) {
  auto q = with({"a", "b", "c", "d"});
  for (int i = 0; i < 3; ++i) next_id(q, 1);
  q.later("b", at(5s));
  EXPECT_EQ(next_id(q, 1, at(4s)), "-");
  EXPECT_EQ(next_id(q, 1, at(5s)), "b");
  EXPECT_EQ(next_id(q, 1, at(5s)), "c") << "the server refuses its first copy";
  EXPECT_EQ(next_id(q, 1, at(5s)), "d");
  EXPECT_TRUE(q.acked("a", 1, false)) << "what was before it is not touched";
}

TEST(publish_queue, gives_up_in_time_and_says_whether_it_was_sent) {
  publish_queue q;
  q.add(pub("sent"), at(10s));
  q.add(pub("unsent"), at(10s));
  q.add(pub("later"), at(20s));
  next_id(q, 1);
  EXPECT_EQ(q.deadline(at(0s)), at(10s));
  EXPECT_TRUE(q.expire(at(9s)).empty());
  auto ended = q.expire(at(10s));
  ASSERT_EQ(ended.size(), 2U);
  EXPECT_EQ(ended[0].state, receipt_state::unknown);
  EXPECT_EQ(ended[1].state, receipt_state::rejected) << "what was never sent is not in the log";
  auto rest = q.stop("stopped");
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].state, receipt_state::rejected);
  EXPECT_EQ(q.bytes(), 0U);
}

TEST(publish_queue, what_found_no_connection_was_not_sent) {
  auto q = with({"a", "b"});
  next_id(q, 1);
  q.unsent(1);
  next_id(q, 2);
  q.lost(2);
  next_id(q, 3);
  q.unsent(3);
  EXPECT_EQ(next_id(q, 4), "a");
  q.unsent(4);
  auto ended = q.stop("stopped");
  ASSERT_EQ(ended.size(), 2U);
  EXPECT_EQ(ended[0].state, receipt_state::unknown) << "the second time it may have arrived";
  EXPECT_EQ(ended[1].state, receipt_state::rejected);
  EXPECT_FALSE(ended[1].sent);
}

// Any order of events: one receipt each; nothing is rejected by us that was ever sent; a healthy
// transport at the end brings the rest.
RC_GTEST_PROP(publish_queue_property, each_ends_once, (std::uint64_t seed)) {
  rng random(seed);
  publish_queue q({8, 10'000, 3});
  std::map<std::string, int> receipts, sends;
  std::uint64_t generation = 1;
  int added = 0;
  auto now = at(0s);
  auto note = [&](const publish_receipt& r) {
    ++receipts[r.id];
    if (r.state == receipt_state::rejected) RC_ASSERT(sends[r.id] == 0 || r.reason == "no");
    if (r.state == receipt_state::unknown) RC_ASSERT(sends[r.id] > 0);
  };
  auto some_id = [&] { return std::to_string(random.between(0, added)); };
  for (int i = 0; i < 200; ++i) {
    now += 1s;
    switch (random.between(0, 7)) {
      case 0:
      case 1:
        if (q.has_room(10)) q.add(pub(std::to_string(added++)), now + 30s);
        break;
      case 2:
      case 3:
        if (auto* p = q.next(generation, now)) ++sends[p->id];
        break;
      case 4:
        q.lost(generation++);
        break;
      case 5:
        if (auto id = some_id(); sends[id] > 0)
          if (auto r = q.acked(id, 1, false)) note(*r);
        break;
      case 6:
        if (auto id = some_id(); sends[id] > 0)
          if (auto r = q.rejected(id, "no")) note(*r);
        break;
      default:
        for (auto& r : q.expire(now)) note(r);
    }
    RC_ASSERT(q.size() <= 8U);
  }
  q.lost(generation++);
  while (auto* p = q.next(generation, now)) {
    auto id = p->id;
    ++sends[id];
    note(*q.acked(id, 1, false));
  }
  RC_ASSERT(q.size() == 0U);
  for (int i = 0; i < added; ++i) RC_ASSERT(receipts[std::to_string(i)] == 1);
}

}  // namespace
}  // namespace tidewire::realtime
