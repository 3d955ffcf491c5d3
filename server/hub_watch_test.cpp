// What a hub does about messages that others appended to its store, in virtual time.
#include "hub_test_support.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace tidewire::server {
namespace {

using namespace realtime;
using test::hub_world;
using test::peer;
using offsets_t = std::vector<std::uint64_t>;

struct hub_watch : testing::Test {
  // As another process does it.
  void append(int count) {
    for (int i = 0; i < count; ++i) {
      std::vector<new_message> one{{"room", "other" + std::to_string(++others), "", "1"}};
      ASSERT_TRUE(world.store->append(one, {}));
    }
  }
  void tell() {
    auto log = *world.store->state("room");
    world.faults->moved({{"room", log.epoch, log.head}});
    world.settle();
  }
  void look() {
    world.faults->moved({});
    world.settle();
  }
  auto listen(std::uint64_t since = 0) { return world.join({{"room", {{}, since}}}); }

  hub_world world;
  int others = 0;
};

TEST_F(hub_watch, what_others_appended_is_delivered_when_it_is_told) {
  auto a = listen(), b = listen(), c = listen();
  world.faults->read_calls = 0;
  append(3);
  world.settle();
  EXPECT_TRUE(a->offsets("room").empty());
  tell();
  for (auto& p : {a, b, c}) EXPECT_EQ(p->offsets("room"), (offsets_t{1, 2, 3}));
  EXPECT_EQ(world.faults->read_calls, 1u) << "once for all who listen";
  tell();
  look();
  EXPECT_EQ(a->offsets("room").size(), 3u);
  EXPECT_EQ(world.faults->read_calls, 1u) << "what is known is not read again";
}

TEST_F(hub_watch, what_was_not_told_is_found_by_looking) {
  auto a = listen();
  append(2);
  look();
  EXPECT_EQ(a->offsets("room"), (offsets_t{1, 2}));
}

TEST_F(hub_watch, our_own_come_behind_those_of_others) {
  auto a = listen();
  world.publish("room", "x");
  append(2);
  world.publish("room", "y");
  append(1);
  world.publish("room", "z");
  EXPECT_EQ(a->offsets("room"), (offsets_t{1, 2, 3, 4, 5, 6}));
}

TEST_F(hub_watch, who_comes_later_finds_everything) {
  auto a = listen();
  append(2);
  auto b = listen();
  EXPECT_EQ(b->offsets("room"), (offsets_t{1, 2}));
  EXPECT_EQ(a->offsets("room"), (offsets_t{1, 2}));
  auto c = listen(2);
  append(1);
  tell();
  EXPECT_EQ(c->offsets("room"), (offsets_t{3}));
}

TEST_F(hub_watch, a_store_that_fails_is_asked_again) {
  auto a = listen();
  append(2);
  world.faults->reads = 1;
  tell();
  EXPECT_TRUE(a->offsets("room").empty());
  look();
  EXPECT_EQ(a->offsets("room"), (offsets_t{1, 2}));
  append(1);
  world.faults->reads = world.faults->states = 1;
  tell();
  look();  // fails too
  look();
  EXPECT_EQ(a->offsets("room"), (offsets_t{1, 2, 3}));
  EXPECT_FALSE(a->ended);
}

TEST_F(hub_watch, a_leap_is_read_from_the_log) {
  world.options.ring_messages = 10;
  world.options.queue_messages = 20;
  world.start();
  auto a = listen();
  append(5);
  tell();
  append(100);
  tell();
  offsets_t all(105);
  std::iota(all.begin(), all.end(), 1u);
  EXPECT_EQ(a->offsets("room"), all);
  EXPECT_FALSE(a->ended) << "nobody can be expected to follow a leap";
}

TEST_F(hub_watch, a_log_that_others_began_anew) {
  auto a = listen();
  append(2);
  tell();
  auto anew = *world.store->reset("room");
  tell();
  ASSERT_EQ(a->all<reset_frame>().size(), 1u);
  EXPECT_EQ(a->all<reset_frame>()[0].epoch, anew.epoch);
  // Not told yet: what is published goes into the new log, and comes as that of the new log.
  anew = *world.store->reset("room");
  world.publish("room", "x");
  auto resets = a->all<reset_frame>();
  ASSERT_EQ(resets.size(), 2u);
  EXPECT_EQ(resets[1].epoch, anew.epoch);
  auto last = a->all<message_frame>().back();
  EXPECT_EQ(last.epoch, anew.epoch);
  EXPECT_EQ(last.offset, 1u);
  // And who reads an old part of a log that is another one now.
  auto lagging = world.connect("/realtime/ann");
  lagging->reading = false;
  lagging->send(frame(hello_frame{"c", {{"room", {{}, 0}}}, ""}));
  world.settle();
  world.store->reset("room");
  lagging->resume();
  world.settle();
  EXPECT_FALSE(lagging->ended);
}

TEST_F(hub_watch, what_nobody_listens_to_is_not_remembered_wrongly) {
  EXPECT_EQ(world.get("/messages?ch=room&since=0").status, 200u);
  append(1);
  tell();
  auto page = world.get("/messages?ch=room&since=0");
  EXPECT_NE(page.body.find("\"head\":1"), page.body.npos) << page.body;
  append(1);
  look();
  page = world.get("/messages?ch=room&since=1");
  EXPECT_NE(page.body.find("\"head\":2"), page.body.npos) << page.body;
  append(1);
  page = world.get("/messages?ch=room&since=3");
  EXPECT_EQ(page.status, 200u) << "a cursor that comes from another hub";
}

TEST_F(hub_watch, a_waiting_poll_is_answered) {
  append(1);
  auto asked = world.ask("GET", "/messages?ch=room&since=1&wait=50");
  world.settle();
  ASSERT_FALSE(asked->done);
  append(1);
  tell();
  EXPECT_TRUE(asked->done);
  EXPECT_NE(asked->body.find("\"off\":2"), asked->body.npos) << asked->body;
}

TEST_F(hub_watch, nothing_is_told_to_a_hub_that_is_gone) {
  auto told = world.faults->moved;
  world.hub.reset();
  EXPECT_FALSE(world.faults->moved);
  told({});
  world.settle();
}

}  // namespace
}  // namespace tidewire::server
