#include "http/host_admission.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

namespace tidewire::http {
namespace {

TEST(host_admission, lets_so_many_of_a_host_begin_and_the_others_in_turn) {
  host_admission<int> door(2);
  EXPECT_TRUE(door.enter("a", 1));
  EXPECT_TRUE(door.enter("a", 2));
  EXPECT_FALSE(door.enter("a", 3));
  EXPECT_FALSE(door.enter("a", 4));
  EXPECT_TRUE(door.enter("b", 5)) << "another host does not wait";
  EXPECT_TRUE(door.waits(3));
  EXPECT_EQ(door.leave(5), std::nullopt);
  EXPECT_EQ(door.leave(2), 3);
  EXPECT_FALSE(door.waits(3));
  EXPECT_EQ(door.leave(1), 4);
  EXPECT_EQ(door.leave(3), std::nullopt);
  EXPECT_TRUE(door.enter("a", 6)) << "the room is free again";
}

TEST(host_admission, forgets_who_left_while_waiting) {
  host_admission<int> door(1);
  EXPECT_TRUE(door.enter("a", 1));
  EXPECT_FALSE(door.enter("a", 2));
  EXPECT_FALSE(door.enter("a", 3));
  EXPECT_EQ(door.leave(2), std::nullopt);
  EXPECT_EQ(door.leave(1), 3);
  EXPECT_EQ(door.leave(1), std::nullopt) << "twice is once";
  EXPECT_EQ(door.leave(3), std::nullopt);
}

// Against a model: never more than the bound, never idle while somebody waits, first come first.
TEST(host_admission, follows_a_model) {
  std::mt19937 dice(7);
  host_admission<int> door(3);
  std::map<int, std::set<int>> begun;
  std::map<int, std::deque<int>> waiting;
  std::map<int, int> host_of;
  for (int step = 0; step < 20'000; ++step) {
    if (host_of.empty() || dice() % 2 == 0) {
      int host = static_cast<int>(dice() % 3);
      host_of[step] = host;
      bool room = begun[host].size() < 3;
      ASSERT_EQ(door.enter(std::to_string(host), step), room);
      if (room)
        begun[host].insert(step);
      else
        waiting[host].push_back(step);
      continue;
    }
    auto who = std::next(host_of.begin(), static_cast<std::ptrdiff_t>(dice() % host_of.size()));
    auto [number, host] = *who;
    host_of.erase(who);
    auto& line = waiting[host];
    std::optional<int> next;
    if (begun[host].erase(number) == 0) {
      std::erase(line, number);
    } else if (!line.empty()) {
      next = line.front();
      line.pop_front();
      begun[host].insert(*next);
    }
    ASSERT_EQ(door.leave(number), next);
  }
}

}  // namespace
}  // namespace tidewire::http
