// Laws R1 to R5 and R10, for everything a server and a network may bring to one channel.
#include "realtime/delivery_gate.hpp"

#include <tidewire/core/rng.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace tidewire::realtime {
namespace {

delivery_gate::source sock(std::uint64_t generation) {
  return delivery_gate::socket(generation);
}

message msg(std::uint64_t offset, const std::string& epoch = "e1") {
  return {"room", epoch, offset, "id" + std::to_string(offset), "", "{}"};
}

// "1 2 R(e2:0) 1": what came out, in order. Popped one by one, as after listeners.
std::string drain(delivery_gate& gate) {
  std::string out;
  while (!gate.empty()) {
    if (!out.empty()) out += ' ';
    if (auto* r = std::get_if<reset>(&gate.front()))
      out += "R(" + r->to.epoch + ":" + std::to_string(r->to.offset) + ")";
    else if (auto& m = std::get<message>(gate.front()); m.offset > 0)
      out += std::to_string(m.offset);
    else
      out += m.id;
    gate.pop();
  }
  return out;
}

delivery_gate gate_at(std::uint64_t offset, gate_bounds bounds = {}) {
  delivery_gate gate("room", {"e1", offset}, bounds);
  gate.begin_generation(1);
  return gate;
}

TEST(delivery_gate, delivers_in_order_and_once) {
  auto gate = gate_at(41);
  for (std::uint64_t offset : {42U, 43U, 42U, 41U, 44U, 44U}) gate.take(sock(1), msg(offset));
  EXPECT_EQ(drain(gate), "42 43 44");
  EXPECT_EQ(gate.duplicates(), 3U);
  EXPECT_EQ(gate.delivered(), (cursor{"e1", 44}));
}

TEST(delivery_gate, holds_back_over_a_gap_and_says_what_is_missing) {
  auto gate = gate_at(0);
  gate.take(sock(1), msg(3));
  gate.take(sock(1), msg(2));
  EXPECT_TRUE(gate.empty());
  EXPECT_TRUE(gate.missing());
  EXPECT_EQ(gate.received(), (cursor{"e1", 0}));
  gate.take(gate.poll(), msg(1));
  EXPECT_EQ(drain(gate), "1 2 3");
  EXPECT_FALSE(gate.missing());
}

TEST(delivery_gate, is_bounded_and_lets_the_newest_go) {
  auto gate = gate_at(0, {3, 1'000'000});
  for (std::uint64_t offset : {9U, 8U, 5U, 2U, 7U, 3U}) gate.take(sock(1), msg(offset));
  EXPECT_EQ(gate.held(), 3U);
  gate.take(sock(1), msg(1));
  EXPECT_EQ(drain(gate), "1 2 3");
  EXPECT_TRUE(gate.missing()) << "9 is known of";
  for (std::uint64_t offset = 4; offset <= 9; ++offset) gate.take(gate.poll(), msg(offset));
  EXPECT_EQ(drain(gate), "4 5 6 7 8 9");
  EXPECT_FALSE(gate.missing());
}

TEST(delivery_gate, is_bounded_in_bytes) {
  auto gate = gate_at(0, {1000, 4096});
  auto big = msg(2);
  big.data = std::string(5000, 'x');
  gate.take(sock(1), big);
  EXPECT_EQ(gate.held(), 0U);
  EXPECT_TRUE(gate.missing());
  gate.take(sock(1), msg(1));
  gate.take(gate.poll(), big);
  EXPECT_EQ(drain(gate), "1 2") << "what is due is never let go";
}

TEST(delivery_gate, an_offset_that_the_server_does_not_have_is_not_asked_for_ever) {
  auto gate = gate_at(0, {0, 0});
  gate.take(sock(1), msg(1'000'000));
  EXPECT_TRUE(gate.missing());
  gate.take(gate.poll(), msg(1));
  gate.take_page(gate.poll(), {"e1", 1, false, {}});
  EXPECT_FALSE(gate.missing());
  EXPECT_EQ(drain(gate), "1");
}

TEST(delivery_gate, a_new_epoch_gives_one_reset_before_anything_newer) {
  auto gate = gate_at(7);
  gate.take(sock(1), msg(8));
  gate.take_reset(sock(1), {"e2", 0}, "epoch");
  gate.take_reset(gate.poll(), {"e2", 0}, "epoch");
  gate.take(sock(1), msg(1, "e2"));
  gate.take_reset(sock(1), {"e2", 0}, "epoch");
  EXPECT_EQ(drain(gate), "8 R(e2:0) 1");
  EXPECT_EQ(gate.resets(), 1U);
}

TEST(delivery_gate, a_message_of_a_new_epoch_is_a_reset_by_itself) {
  auto gate = gate_at(7);
  gate.take(sock(1), msg(5, "e2"));
  gate.take(sock(1), msg(6, "e2"));
  EXPECT_EQ(drain(gate), "R(e2:4) 5 6");
}

TEST(delivery_gate, what_comes_late_from_a_log_that_was_left_is_ignored) {
  auto gate = gate_at(7);
  gate.take_reset(sock(1), {"e2", 0}, "epoch");
  gate.take(sock(1), msg(8, "e1"));
  gate.take_reset(sock(1), {"e1", 20}, "trimmed");
  gate.take(sock(1), msg(1, "e2"));
  EXPECT_EQ(drain(gate), "R(e2:0) 1");
}

TEST(delivery_gate, a_poll_that_was_sent_before_a_reset_is_late_whatever_it_says) {
  auto gate = gate_at(7);
  auto asked = gate.poll();  // of a server that had e2
  gate.take_reset(sock(1), {"e3", 0}, "epoch");
  gate.take_reset(asked, {"e2", 0}, "epoch");
  gate.take_page(asked, {"e2", 1, false, {msg(1, "e2")}});
  gate.take(sock(1), msg(1, "e3"));
  EXPECT_EQ(drain(gate), "R(e3:0) 1");
}

TEST(delivery_gate, a_new_socket_may_bring_back_a_log_that_was_left) {
  auto gate = gate_at(7);
  gate.take_reset(sock(1), {"e2", 0}, "epoch");
  gate.begin_generation(2);
  gate.take_reset(sock(2), {"e1", 9}, "epoch");
  gate.take(sock(2), msg(10, "e1"));
  EXPECT_EQ(drain(gate), "R(e2:0) R(e1:9) 10") << "restored from a backup, say";
}

TEST(delivery_gate, a_page_of_another_log_is_a_reset_and_taken_whole) {
  auto gate = gate_at(7);
  gate.take_page(gate.poll(), {"e2", 3, false, {msg(2, "e2"), msg(3, "e2")}});
  EXPECT_EQ(drain(gate), "R(e2:1) 2 3");
  EXPECT_FALSE(gate.missing());
}

TEST(delivery_gate, trimmed_history_gives_one_reset) {
  auto gate = gate_at(7);
  gate.take_reset(sock(1), {"e1", 99}, "trimmed");
  gate.take_reset(gate.poll(), {"e1", 99}, "trimmed");
  gate.take(sock(1), msg(100));
  gate.take_reset(gate.poll(), {"e1", 99}, "trimmed");
  EXPECT_EQ(drain(gate), "R(e1:99) 100");
}

TEST(delivery_gate, a_poll_and_a_socket_that_both_tell_of_trimming_give_one_reset) {
  auto gate = gate_at(7);
  gate.take_reset(gate.poll(), {"e1", 99}, "gone");
  gate.take_reset(sock(1), {"e1", 120}, "trimmed");
  EXPECT_TRUE(gate.missing()) << "what the socket passes over is fetched";
  EXPECT_EQ(drain(gate), "R(e1:99)");
}

TEST(delivery_gate, a_log_that_was_set_back_gives_one_reset_and_is_heard_again) {
  for (bool by_poll : {false, true}) {
    delivery_gate gate("room", {"e1", 100});
    gate.begin_generation(1);
    auto poll = gate.poll();
    auto first = by_poll ? poll : delivery_gate::socket(1);
    auto second = by_poll ? delivery_gate::socket(1) : poll;
    gate.take(delivery_gate::socket(1), message{"room", "e1", 110, "held", "", "1"});
    gate.take_reset(first, {"e1", 3}, "epoch");
    gate.take(delivery_gate::socket(1), message{"room", "e1", 4, "m4", "", "1"});
    gate.take_reset(second, {"e1", 3}, "epoch");
    EXPECT_EQ(gate.resets(), 1U);
    EXPECT_EQ(gate.received(), (cursor{"e1", 4}));
    EXPECT_EQ(gate.held(), 0U);
    EXPECT_FALSE(gate.missing());
  }
}

TEST(delivery_gate, a_reset_keeps_what_is_held_beyond_it) {
  auto gate = gate_at(7);
  gate.take(sock(1), msg(12));
  gate.take(sock(1), msg(9));
  gate.take_reset(gate.poll(), {"e1", 11}, "trimmed");
  EXPECT_EQ(drain(gate), "R(e1:11) 12");
  EXPECT_EQ(gate.held(), 0U);
}

TEST(delivery_gate, an_old_generation_of_sockets_is_not_heard) {
  auto gate = gate_at(0);
  gate.begin_generation(2);
  gate.take(sock(1), msg(1));
  gate.take_reset(sock(1), {"e9", 0}, "epoch");
  EXPECT_TRUE(gate.empty());
  gate.take(sock(2), msg(1));
  EXPECT_EQ(drain(gate), "1");
}

TEST(delivery_gate, begins_where_the_server_says_without_a_reset) {
  delivery_gate gate("room");
  gate.begin_generation(1);
  gate.take_start(sock(1), {"e1", 50});
  gate.take_start(sock(1), {"e1", 10});
  EXPECT_EQ(gate.delivered(), (cursor{"e1", 50}));
  gate.take(sock(1), msg(51));
  EXPECT_EQ(drain(gate), "51");
  EXPECT_EQ(gate.resets(), 0U);
}

TEST(delivery_gate, begins_with_a_poll_as_well) {
  delivery_gate empty("room"), full("room");
  empty.take_page(empty.poll(), {"e1", 50, false, {}});
  EXPECT_EQ(empty.delivered(), (cursor{"e1", 50}));
  full.take_page(full.poll(), {"e1", 5, false, {msg(4), msg(5)}});
  EXPECT_EQ(drain(full), "4 5");
  EXPECT_EQ(full.resets() + empty.resets(), 0U);
}

TEST(delivery_gate, the_cursor_stays_until_the_listeners_have_returned) {
  auto gate = gate_at(0);
  gate.take(sock(1), msg(1));
  gate.take(sock(1), msg(2));
  EXPECT_EQ(gate.received().offset, 2U);
  EXPECT_EQ(gate.delivered().offset, 0U);
  gate.pop();
  EXPECT_EQ(gate.delivered().offset, 1U);
  gate.pop();
  EXPECT_EQ(gate.delivered().offset, 2U);
}

TEST(delivery_gate, without_offsets_ids_are_remembered) {
  delivery_gate gate("chat");
  auto plain = [](const std::string& id) { return message{"chat", "", 0, id, "", "{}"}; };
  for (const auto* id : {"a", "b", "a", "", "", "c"}) gate.take(gate.poll(), plain(id));
  EXPECT_EQ(drain(gate), "a b   c") << "nothing can be said of those without an id";
  EXPECT_EQ(gate.delivered().id, "c");
  for (std::size_t i = 0; i < delivery_gate::remembered_ids; ++i)
    gate.take(gate.poll(), plain(std::to_string(i)));
  drain(gate);
  gate.take(gate.poll(), plain("a"));
  EXPECT_EQ(drain(gate), "a") << "the memory is bounded";
}

// A server whose log grows, is trimmed and replaced; sockets and polls that bring parts of it late,
// twice, in any order, or not at all.
struct server_log {
  unsigned epoch = 1;
  std::uint64_t head = 0, oldest = 1;
  std::string name() const { return "e" + std::to_string(epoch); }
};

struct answer {  // of a poll, on its way
  std::string epoch;
  std::uint64_t since = 0, head = 0, oldest = 1;
  bool gone = false;
  delivery_gate::source from{};
};

class world {
 public:
  explicit world(std::uint64_t seed) : random_(seed), gate_("room", {"e1", 0}, {4, 1 << 20}) {
    gate_.begin_generation(generation_);
  }

  void step() {
    switch (random_.between(0, 9)) {
      case 0:
        log_.head += static_cast<std::uint64_t>(random_.between(1, 3));
        break;
      case 1:
        if (random_.chance_ppm(200'000)) log_ = {log_.epoch + 1, 0, 1};
        break;
      case 2:
        if (log_.head > log_.oldest && random_.chance_ppm(300'000))
          log_.oldest = static_cast<std::uint64_t>(random_.between(
              static_cast<std::int64_t>(log_.oldest), static_cast<std::int64_t>(log_.head)));
        break;
      case 3:
        gate_.begin_generation(++generation_);
        welcome();
        break;
      case 4:
        ask();
        break;
      case 5:
        hear();
        break;
      default:
        push();
    }
    look();
  }

  // A poll that goes through: everything must be there then.
  void settle() {
    polls_.clear();
    for (int i = 0; i < 3; ++i) {
      ask();
      hear();
      look();
    }
    RC_ASSERT(gate_.delivered() == (cursor{log_.name(), log_.head}));
    RC_ASSERT(!gate_.missing());
  }

 private:
  void welcome() {
    auto& at = gate_.received();
    if (at.epoch != log_.name())
      gate_.take_reset(sock(generation_), {log_.name(), log_.oldest - 1}, "epoch");
    else if (at.offset + 1 < log_.oldest)
      gate_.take_reset(sock(generation_), {log_.name(), log_.oldest - 1}, "trimmed");
  }

  // What a socket brings: any message of the log, by the current or an older one, which may even
  // tell of a log that is no more.
  void push() {
    if (log_.head < log_.oldest) return;
    auto offset = static_cast<std::uint64_t>(random_.between(static_cast<std::int64_t>(log_.oldest),
                                                             static_cast<std::int64_t>(log_.head)));
    if (random_.chance_ppm(200'000) && generation_ > 1) {
      gate_.take(sock(generation_ - 1), msg(offset + 100, "e9999"));
    } else if (gate_.received().epoch == log_.name()) {
      gate_.take(sock(generation_), msg(offset, log_.name()));
    }
  }

  void ask() {
    auto at = gate_.received();
    answer a{log_.name(), at.offset, log_.head, log_.oldest};
    a.from = gate_.poll();
    a.gone = at.epoch != log_.name() || at.offset + 1 < log_.oldest;
    if (polls_.size() < 4) polls_.push_back(a);
  }

  void hear() {
    if (polls_.empty()) return;
    auto which = static_cast<std::ptrdiff_t>(
        random_.between(0, static_cast<std::int64_t>(polls_.size()) - 1));
    auto a = polls_[static_cast<std::size_t>(which)];
    polls_.erase(polls_.begin() + which);
    if (a.gone) {
      gate_.take_reset(a.from, {a.epoch, a.oldest - 1}, "gone");
      return;
    }
    message_page page{a.epoch, a.head, false, {}};
    for (auto offset = a.since + 1; offset <= a.head; ++offset)
      page.messages.push_back(msg(offset, a.epoch));
    gate_.take_page(a.from, std::move(page));
  }

  void look() {
    RC_ASSERT(gate_.held() <= 4U);
    while (!gate_.empty()) {
      if (auto* r = std::get_if<reset>(&gate_.front())) {
        RC_ASSERT(r->from == seen_);
        RC_ASSERT(r->to.epoch != seen_.epoch || r->to.offset > seen_.offset);
        RC_ASSERT(r->to.epoch != "e9999");
        if (r->to.epoch != seen_.epoch) left_.insert(seen_.epoch);
        RC_ASSERT(!left_.contains(r->to.epoch));
        seen_ = r->to;
      } else {
        auto& m = std::get<message>(gate_.front());
        RC_ASSERT(m.epoch == seen_.epoch);
        RC_ASSERT(m.offset == seen_.offset + 1);
        seen_.offset = m.offset;
      }
      gate_.pop();
      RC_ASSERT(gate_.delivered() == seen_);
    }
  }

  rng random_;
  server_log log_;
  delivery_gate gate_;
  std::uint64_t generation_ = 1;
  std::vector<answer> polls_;
  cursor seen_{"e1", 0};
  std::set<std::string> left_;
};

RC_GTEST_PROP(delivery_gate_property, the_log_comes_out, (std::uint64_t seed)) {
  world w(seed);
  auto steps = *rc::gen::inRange(0, 300);
  for (int i = 0; i < steps; ++i) {
    w.step();
    if (i % 37 == 36) w.settle();
  }
  w.settle();
}

}  // namespace
}  // namespace tidewire::realtime
