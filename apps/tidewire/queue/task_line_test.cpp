#include "queue/task_line.hpp"

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

using namespace std::chrono_literals;

std::string fault_of(std::string_view line) {
  auto read = parse_task_line(line, queue::new_task("k"));
  EXPECT_NE(read.task.has_value(), !read.fault.empty()) << line;
  return read.fault;
}

TEST(task_line, reads_every_member) {
  auto read = parse_task_line(
      R"({"kind":"mail","payload":{"to": [1.50]},"priority":"high","name":"n","unique_key":"u",)"
      R"("metadata":{"a":1},"batch":"b","delay":"1.5s","timeout":60,"retry_delay":"250ms",)"
      R"("max_attempts":7,"limit":{"key":"x","max_running":2,"max_starts":3,"period":"1m"},)"
      R"("depends_on":[4,"five"]})",
      {});
  ASSERT_TRUE(read.task) << read.fault;
  auto& t = *read.task;
  EXPECT_EQ(t.kind, "mail");
  EXPECT_EQ(t.payload, R"({"to": [1.50]})") << "as it was written";
  EXPECT_EQ(t.priority, queue::priority::high);
  EXPECT_EQ(t.name, "n");
  EXPECT_EQ(t.unique_key, "u");
  EXPECT_EQ(t.metadata, R"({"a":1})");
  EXPECT_EQ(t.batch, "b");
  EXPECT_EQ(t.delay, 1500ms);
  EXPECT_EQ(t.timeout, 60s);
  EXPECT_EQ(t.retry_delay, 250ms);
  EXPECT_EQ(t.max_attempts, 7u);
  ASSERT_TRUE(t.limit);
  EXPECT_EQ(t.limit->key, "x");
  EXPECT_EQ(t.limit->max_running, 2u);
  EXPECT_EQ(t.limit->max_starts, 3u);
  EXPECT_EQ(t.limit->period, 1min);
  EXPECT_EQ(t.depends_on, std::vector<queue::task_id>{4});
  EXPECT_EQ(t.depends_on_names, std::vector<std::string>{"five"});
}

TEST(task_line, takes_the_rest_from_the_defaults) {
  queue::new_task defaults("mail");
  defaults.priority = queue::priority::low;
  defaults.max_attempts = 9;
  auto read = parse_task_line(R"({"payload":null,"max_attempts":2})", defaults);
  ASSERT_TRUE(read.task) << read.fault;
  EXPECT_EQ(read.task->kind, "mail");
  EXPECT_EQ(read.task->priority, queue::priority::low);
  EXPECT_EQ(read.task->max_attempts, 2u);
  EXPECT_EQ(read.task->payload, "null");
}

TEST(task_line, says_what_is_wrong) {
  EXPECT_NE(fault_of("").find("not JSON"), std::string::npos);
  EXPECT_NE(fault_of("{\"a\":1").find("not JSON"), std::string::npos);
  EXPECT_NE(fault_of("[1]").find("not a JSON object"), std::string::npos);
  EXPECT_NE(fault_of(R"({"kind":"a","kind":"b"})"), "") << "which one?";
  EXPECT_EQ(fault_of(R"({"pay\u001bload":1})"), "member \"pay\\x1bload\" is not known");
  EXPECT_EQ(fault_of(R"({"kind":1})"), "member \"kind\" must be a text");
  EXPECT_NE(fault_of(R"({"delay":-5})").find("not negative"), std::string::npos);
  EXPECT_NE(fault_of(R"({"delay":"-5s"})").find("not negative"), std::string::npos);
  EXPECT_NE(fault_of(R"({"priority":"urgent"})").find("\"medium\""), std::string::npos);
  EXPECT_NE(fault_of(R"({"max_attempts":1.5})").find("whole number"), std::string::npos);
  EXPECT_NE(fault_of(R"({"max_attempts":4294967296})").find("whole number"), std::string::npos);
  EXPECT_NE(fault_of(R"({"depends_on":[true]})").find("ids and names"), std::string::npos);
  EXPECT_NE(fault_of(R"({"limit":{"keys":"x"}})").find("\"keys\" is not known"), std::string::npos);
}

TEST(task_line, wants_a_kind_from_somewhere) {
  EXPECT_EQ(parse_task_line("{}", {}).fault, "no \"kind\", and no --kind for all lines");
  EXPECT_TRUE(parse_task_line("{}", queue::new_task("k")).task);
}

}  // namespace
}  // namespace tidewire::cli
