// The log keeps the order of who publishes, also around what is refused for now.
#include "hub.hpp"
#include "hub_test_support.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::server {
namespace {

using namespace realtime;
using test::hub_world;

std::vector<std::string> ids_of(hub_world& w, const std::string& channel) {
  std::vector<std::string> out;
  auto page = w.store->read(channel, 0, 1000, 1 << 20);
  for (const auto& m : page->messages) out.push_back(m.id);
  return out;
}

std::vector<std::string> letters(char first, char last) {
  std::vector<std::string> out;
  for (char c = first; c <= last; ++c) out.emplace_back(1, c);
  return out;
}

void publish_all(test::peer& p, const std::vector<std::string>& ids) {
  for (const auto& id : ids) p.send(frame(publish_frame{id, "room", "1", id != ids.front()}));
}

std::vector<std::string> refused_by(const test::peer& p) {
  std::vector<std::string> out;
  for (const auto& n : p.all<nack_frame>()) {
    EXPECT_TRUE(n.retry) << n.id;
    out.push_back(n.id);
  }
  return out;
}

TEST(publish_order, what_was_sent_behind_a_refused_message_is_refused_too) {
  message_hub_options o;
  o.publish_per_second = 100;
  o.publish_burst = 3;
  hub_world w(o);
  auto p = w.join({});
  publish_all(*p, letters('a', 'e'));
  w.settle();  // time enough for more
  p->send(frame(publish_frame{"f", "room", "1", true}));
  w.settle();
  EXPECT_EQ(ids_of(w, "room"), letters('a', 'c'));
  EXPECT_EQ(refused_by(*p), letters('d', 'f'));
  publish_all(*p, letters('d', 'f'));
  w.settle();
  EXPECT_EQ(ids_of(w, "room"), letters('a', 'f'));
}

TEST(publish_order, the_order_survives_a_store_that_fails) {
  message_hub_options o;
  o.batch_messages = 2;
  hub_world w(o);
  auto p = w.join({});
  w.faults->before_commit = 1;
  publish_all(*p, letters('a', 'g'));
  w.settle();
  EXPECT_TRUE(ids_of(w, "room").empty()) << "what waited behind them is refused as well";
  EXPECT_EQ(refused_by(*p), letters('a', 'g'));
  publish_all(*p, letters('a', 'g'));
  w.settle();
  EXPECT_EQ(ids_of(w, "room"), letters('a', 'g'));
}

// What was given to the hub before anybody knew of the failure.
TEST(publish_order, what_waits_for_a_store_that_fails_is_refused_with_the_same_error) {
  hub_world w;
  message_hub_options o;
  o.batch_messages = 1;
  auto ex = w.world.get_executor();
  auto store = std::make_unique<test::lasting_store>(w.store, w.faults);
  auto core = std::make_shared<hub>(context(ex, rng(1)), std::move(store), ex, o);
  std::vector<error_code> outcomes(4, make_error_code(errc::stopped));
  auto together = std::make_shared<error_code>();
  w.faults->before_commit = 1;
  for (std::size_t i = 0; i < 4; ++i) {
    bool other = i == 2;  // somebody else's
    new_message m{"room", std::to_string(i), "", "1"};
    auto done = [&outcomes, i](error_code ec, const append_outcome&) { outcomes[i] = ec; };
    EXPECT_TRUE(core->publish(std::move(m), done, other ? nullptr : together));
  }
  w.settle();
  EXPECT_EQ(outcomes[0], store_sqlite::errc::full);
  EXPECT_EQ(outcomes[1], outcomes[0]);
  EXPECT_FALSE(outcomes[2]);
  EXPECT_EQ(outcomes[3], outcomes[0]);
  EXPECT_EQ(ids_of(w, "room"), std::vector<std::string>{"2"});
}

TEST(publish_order, the_order_survives_a_store_that_is_busy) {
  message_hub_options o;
  o.pending_bytes = 1000;
  hub_world w(o);
  auto p = w.join({});
  publish_all(*p, {"a", "b"});
  p->send(frame(publish_frame{"c", "room", "\"" + std::string(2000, 'x') + "\"", true}));
  p->send(frame(publish_frame{"d", "room", "1", true}));
  w.settle();
  EXPECT_EQ(ids_of(w, "room"), letters('a', 'b'));
  EXPECT_EQ(refused_by(*p), letters('c', 'd'));
  EXPECT_EQ(p->all<nack_frame>().at(1).why, "busy");
  p->send(frame(publish_frame{"d", "room", "1", false}));  // "c" was given up
  w.settle();
  EXPECT_EQ(ids_of(w, "room"), (std::vector<std::string>{"a", "b", "d"}));
}

}  // namespace
}  // namespace tidewire::server
