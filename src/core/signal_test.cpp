#include <tidewire/core/manual_connectivity.hpp>
#include <tidewire/core/signal.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tidewire {
namespace {

using connection = signal<int>::connection;
using words = std::vector<std::string>;

struct recorder {
  words heard;
  auto as(std::string name) {
    return [this, name](int event) { heard.push_back(name + std::to_string(event)); };
  }
};

TEST(signal, calls_listeners_in_the_order_of_connection) {
  recorder r;
  signal<int> s;
  auto a = s.connect(r.as("a")).value();
  auto b = s.connect(r.as("b")).value();
  s.emit(1);
  s.emit(2);
  EXPECT_EQ(r.heard, (words{"a1", "b1", "a2", "b2"}));
  EXPECT_EQ(s.size(), 2U);
}

TEST(signal, a_listener_that_throws_harms_nobody) {
  recorder r;
  signal<int> s;
  auto a = s.connect([](int) { throw std::runtime_error("no"); }).value();
  auto b = s.connect([](int) { throw 1; }).value();
  auto c = s.connect(r.as("c")).value();
  s.emit(1);
  s.emit(2);
  EXPECT_EQ(r.heard, (words{"c1", "c2"}));
  EXPECT_EQ(s.failures(), 4U);
  EXPECT_EQ(s.size(), 3U);
}

TEST(signal, a_listener_may_disconnect_itself) {
  recorder r;
  signal<int> s;
  connection self;
  // The string shows (under a sanitizer) that what the listener holds lives until it returns.
  self = s.connect([&, text = std::string(100, 'x')](int) {
            self.disconnect();
            r.heard.push_back(text.substr(0, 1));
          }).value();
  auto after = s.connect(r.as("b")).value();
  s.emit(1);
  s.emit(2);
  EXPECT_EQ(r.heard, (words{"x", "b1", "b2"}));
}

TEST(signal, a_listener_disconnected_during_emit_hears_nothing_more) {
  recorder r;
  signal<int> s;
  connection later, earlier;
  earlier = s.connect(r.as("a")).value();
  auto remover = s.connect([&](int) {
                    later.disconnect();
                    earlier.disconnect();
                  }).value();
  later = s.connect(r.as("c")).value();
  auto last = s.connect(r.as("d")).value();
  s.emit(1);
  s.emit(2);
  EXPECT_EQ(r.heard, (words{"a1", "d1", "d2"}));
  EXPECT_EQ(s.size(), 2U);
}

TEST(signal, a_listener_connected_during_emit_hears_the_next_one) {
  recorder r;
  signal<int> s;
  std::vector<connection> more;
  auto adder = s.connect([&](int) {
                  // Enough of them to move the list while it is walked.
                  for (int i = 0; i < 20; ++i) more.push_back(s.connect(r.as("n")).value());
                }).value();
  s.emit(1);
  EXPECT_TRUE(r.heard.empty());
  adder.disconnect();
  s.emit(2);
  EXPECT_EQ(r.heard, words(20, "n2"));
}

TEST(signal, a_listener_may_emit_again) {
  recorder r;
  signal<int> s;
  auto a = s.connect([&](int event) {
              if (event < 3) s.emit(event + 1);
            }).value();
  auto b = s.connect(r.as("b")).value();
  s.emit(1);
  EXPECT_EQ(r.heard, (words{"b3", "b2", "b1"}));
}

TEST(signal, nobody_hears_anything_once_the_signal_is_gone) {
  recorder r;
  auto s = std::make_unique<signal<int>>();
  auto a = s->connect(r.as("a")).value();
  auto killer = s->connect([&](int) { s.reset(); }).value();
  auto c = s->connect(r.as("c")).value();
  s->emit(1);
  EXPECT_EQ(r.heard, words{"a1"});
  EXPECT_FALSE(s);
}

TEST(signal, is_bounded) {
  signal<int> s(2);
  auto a = s.connect([](int) {}).value();
  auto b = s.connect([](int) {}).value();
  auto c = s.connect([](int) {});
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error(), errc::limit_exceeded);
  a.disconnect();
  EXPECT_TRUE(s.connect([](int) {}));
}

TEST(signal, a_connection_disconnects_when_it_ends_is_replaced_or_moved_onto) {
  recorder r;
  signal<int> s;
  {
    auto a = s.connect(r.as("a")).value();
    auto moved = std::move(a);
    a.disconnect();  // nothing: it was moved from
    s.emit(1);
    moved = s.connect(r.as("b")).value();
    s.emit(2);
    auto& same = moved;
    moved = std::move(same);
    s.emit(3);
  }
  s.emit(4);
  EXPECT_EQ(r.heard, (words{"a1", "b2", "b3"}));
  EXPECT_EQ(s.size(), 0U);
}

TEST(signal, a_connection_may_outlive_the_signal) {
  std::optional<signal<int>> s(std::in_place);
  auto a = s->connect([](int) {}).value();
  auto b = s->connect([](int) {}).value();
  s.reset();
  a.disconnect();
  a.disconnect();
}

TEST(signal, what_a_listener_holds_may_disconnect_others_when_it_is_destroyed) {
  recorder r;
  signal<int> s;
  auto first = s.connect(r.as("a")).value();
  auto held = std::make_shared<connection>();
  auto holder = s.connect([held](int) {}).value();
  *held = s.connect(r.as("c")).value();
  held.reset();
  auto last = s.connect(r.as("d")).value();
  holder.disconnect();
  EXPECT_EQ(s.size(), 2U);
  s.emit(1);
  EXPECT_EQ(r.heard, (words{"a1", "d1"}));
}

TEST(manual_connectivity, notifies_of_changes_alone) {
  manual_connectivity network;
  EXPECT_TRUE(network.online());
  std::vector<bool> heard;
  auto c = network.changed()
               .connect([&](bool online) {
                 EXPECT_EQ(online, network.online());
                 heard.push_back(online);
               })
               .value();
  network.set_online(true);
  network.set_online(false);
  network.set_online(false);
  network.set_online(true);
  EXPECT_EQ(heard, (std::vector<bool>{false, true}));
  EXPECT_FALSE(manual_connectivity(false).online());
}

TEST(manual_connectivity, the_last_thing_a_listener_hears_is_true) {
  manual_connectivity network;
  auto stubborn = network.changed().connect([&](bool) { network.set_online(true); }).value();
  std::optional<bool> last;
  auto c = network.changed().connect([&](bool online) { last = online; }).value();
  network.set_online(false);
  EXPECT_TRUE(network.online());
  EXPECT_EQ(last, true);
}

}  // namespace
}  // namespace tidewire
