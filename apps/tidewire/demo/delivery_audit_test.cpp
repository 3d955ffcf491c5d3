#include "delivery_audit.hpp"

#include <gtest/gtest.h>

namespace tidewire::demo {
namespace {

void take(delivery_audit& audit, std::initializer_list<std::uint64_t> offsets,
          const std::string& epoch = "e") {
  for (auto offset : offsets) audit.took(epoch, offset, "m" + std::to_string(offset));
}

known_log log_of(std::uint64_t head, const std::string& epoch = "e") {
  known_log log;
  for (std::uint64_t i = 1; i <= head; ++i) log.note(epoch, i, "m" + std::to_string(i));
  return log;
}

TEST(delivery_audit_test, a_stream_in_order_is_clean) {
  delivery_audit audit;
  audit.begin({});
  take(audit, {1, 2, 3});
  audit.claims({"e", 3, {}});
  audit.compare(log_of(5));
  EXPECT_EQ(audit.received(), 3);
  EXPECT_EQ(audit.lost() + audit.duplicated() + audit.out_of_order() + audit.different(), 0);
  EXPECT_EQ(audit.compared(), 3);
}

TEST(delivery_audit_test, a_gap_is_lost_until_it_is_filled_and_then_out_of_order) {
  delivery_audit audit;
  audit.begin({});
  take(audit, {1, 4});
  EXPECT_EQ(audit.lost(), 2);
  take(audit, {2});
  EXPECT_EQ(audit.lost(), 1);
  EXPECT_EQ(audit.out_of_order(), 1);
  take(audit, {3});
  EXPECT_EQ(audit.lost(), 0);
  // 3 came after 2: only who is behind its predecessor is out of order.
  EXPECT_EQ(audit.out_of_order(), 1);
}

TEST(delivery_audit_test, what_comes_twice_is_counted) {
  delivery_audit audit;
  audit.begin({});
  take(audit, {1, 2, 2, 1, 3});
  EXPECT_EQ(audit.duplicated(), 2);
  EXPECT_EQ(audit.lost(), 0);
}

TEST(delivery_audit_test, it_goes_on_where_an_earlier_run_ended) {
  delivery_audit audit;
  audit.begin({"e", 10, {}});
  take(audit, {11, 12});
  EXPECT_EQ(audit.lost(), 0);
  take(audit, {10});
  EXPECT_EQ(audit.duplicated(), 1);
  delivery_audit late;
  late.begin({"e", 10, {}});
  take(late, {12});
  EXPECT_EQ(late.lost(), 1);
}

TEST(delivery_audit_test, a_cursor_that_runs_ahead_of_what_came_has_lost_something) {
  delivery_audit audit;
  audit.begin({});
  take(audit, {1, 2});
  audit.claims({"e", 5, {}});
  EXPECT_EQ(audit.lost(), 3);
  audit.claims({"other", 50, {}});
  EXPECT_EQ(audit.lost(), 3);
}

TEST(delivery_audit_test, a_reset_begins_anew_and_forgives_nothing) {
  delivery_audit audit;
  audit.begin({});
  take(audit, {1, 3});
  audit.reset({"f", 7, {}});
  take(audit, {8, 9}, "f");
  EXPECT_EQ(audit.lost(), 1);
  EXPECT_EQ(audit.received(), 4);
  take(audit, {4}, "e");
  EXPECT_EQ(audit.different(), 1);
}

TEST(delivery_audit_test, another_message_than_the_log_has_is_told) {
  delivery_audit audit;
  audit.begin({});
  take(audit, {1});
  audit.took("e", 2, "intruder");
  audit.compare(log_of(2));
  EXPECT_EQ(audit.compared(), 1);
  EXPECT_EQ(audit.different(), 1);
  // What was compared is not compared again.
  audit.compare(log_of(2));
  EXPECT_EQ(audit.compared() + audit.different(), 2);
}

TEST(delivery_audit_test, what_the_log_does_not_tell_yet_waits) {
  delivery_audit audit;
  audit.begin({});
  take(audit, {1, 2});
  audit.compare(log_of(1));
  EXPECT_EQ(audit.compared(), 1);
  audit.compare(log_of(2));
  EXPECT_EQ(audit.compared(), 2);
}

TEST(known_log_test, keeps_the_newest_and_begins_anew_with_an_epoch) {
  auto log = log_of(known_log::max_ids + 5);
  EXPECT_EQ(log.id_at(5), nullptr);
  ASSERT_NE(log.id_at(6), nullptr);
  EXPECT_EQ(*log.id_at(6), "m6");
  EXPECT_EQ(log.id_at(known_log::max_ids + 6), nullptr);
  log.note("f", 2);
  EXPECT_EQ(log.head(), 2);
  EXPECT_EQ(log.id_at(6), nullptr);
}

}  // namespace
}  // namespace tidewire::demo
