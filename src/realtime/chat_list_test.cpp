#include "realtime/chat_list.hpp"

#include <gtest/gtest.h>

namespace tidewire::realtime {
namespace {

chat_message said(const std::string& id, chat_state state = chat_state::confirmed) {
  chat_message m;
  m.id = id;
  m.text = "text of " + id;
  m.state = state;
  return m;
}

// "b* a": the newest first; * is on its way, ! has failed.
std::string shown(const chat_list& list) {
  std::string out;
  for (auto& m : list.messages()) {
    if (!out.empty()) out += ' ';
    out += m.id;
    if (m.state == chat_state::sending) out += '*';
    if (m.state == chat_state::failed) out += '!';
  }
  return out;
}

TEST(chat_list, shows_the_newest_first) {
  chat_list list(10);
  for (const auto* id : {"a", "b", "c"}) EXPECT_NE(list.take(said(id)), nullptr);
  EXPECT_EQ(shown(list), "c b a");
}

TEST(chat_list, an_echo_is_the_message_that_was_shown_when_it_was_sent) {
  chat_list list(10);
  list.take(said("a"));
  list.add(said("mine", chat_state::sending));
  EXPECT_EQ(shown(list), "mine* a");
  auto* now = list.take(said("mine"));
  ASSERT_NE(now, nullptr);
  EXPECT_EQ(now->state, chat_state::confirmed);
  EXPECT_EQ(shown(list), "mine a");
  EXPECT_EQ(list.take(said("mine")), nullptr) << "by the other transport";
  EXPECT_EQ(shown(list), "mine a");
}

TEST(chat_list, what_is_on_its_way_stays_above_what_comes) {
  chat_list list(10);
  list.add(said("mine", chat_state::sending));
  list.take(said("a"));
  list.take(said("b"));
  EXPECT_EQ(shown(list), "mine* b a");
  list.take(said("mine"));
  list.take(said("c"));
  EXPECT_EQ(shown(list), "c mine b a") << "where the log has it";
}

TEST(chat_list, an_answer_that_comes_before_the_echo_leaves_the_place_to_the_echo) {
  chat_list list(10);
  list.add(said("mine", chat_state::sending));
  auto* now = list.settle("mine", chat_state::confirmed, "");
  ASSERT_NE(now, nullptr) << "a server that sends no echo has confirmed it all the same";
  EXPECT_EQ(shown(list), "mine");
  list.take(said("a"));
  EXPECT_NE(list.take(said("mine")), nullptr);
  EXPECT_EQ(shown(list), "mine a");
  EXPECT_EQ(list.take(said("mine")), nullptr);
}

TEST(chat_list, a_failure_is_shown_and_an_echo_after_it_is_the_truth) {
  chat_list list(10);
  list.add(said("mine", chat_state::sending));
  auto* now = list.settle("mine", chat_state::failed, "too_large");
  ASSERT_NE(now, nullptr);
  EXPECT_EQ(now->problem, "too_large");
  EXPECT_EQ(shown(list), "mine!");
  list.take(said("mine"));
  EXPECT_EQ(shown(list), "mine");
  EXPECT_EQ(list.settle("mine", chat_state::failed, "late"), nullptr);
  EXPECT_EQ(list.settle("nobody", chat_state::failed, ""), nullptr);
}

TEST(chat_list, is_bounded) {
  chat_list list(3);
  for (const auto* id : {"a", "b", "c", "d"}) list.take(said(id));
  EXPECT_EQ(shown(list), "d c b");
  list.add(said("mine", chat_state::sending));
  EXPECT_EQ(shown(list), "mine* d c");
  chat_list none(0);
  EXPECT_EQ(none.take(said("a")), nullptr);
  none.add(said("b"));
  EXPECT_EQ(shown(none), "");
}

TEST(chat_list, messages_without_an_id_are_all_shown) {
  chat_list list(10);
  list.take(said(""));
  list.take(said(""));
  EXPECT_EQ(list.messages().size(), 2U);
}

TEST(chat_json, is_the_lessons) {
  chat_message m;
  m.id = "1";
  m.text = "a \"quote\"\n";
  m.user = "me";
  m.time = "2024-01-01T00:00:00.000Z";
  auto text = encode_chat(m);
  EXPECT_EQ(
      text,
      R"({"id":"1","text":"a \"quote\"\u000a","userId":"me","timestamp":"2024-01-01T00:00:00.000Z"})");
  auto back = decode_chat(text);
  EXPECT_EQ(back.text, m.text);
  EXPECT_EQ(back.user, "me");
  EXPECT_EQ(decode_chat("nonsense").text, "");
  EXPECT_EQ(decode_chat("{\"text\":5}").text, "");
}

}  // namespace
}  // namespace tidewire::realtime
