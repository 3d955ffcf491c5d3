#include "queue/task_view.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

queue::task_record example() {
  queue::task_record t;
  t.id = 12;
  t.kind = "ma\x1bil";
  t.state = queue::task_state::retrying;
  t.attempt = 1;
  t.max_attempts = 3;
  t.fence = 4;
  t.error = "line one\nline two \xff";
  t.payload = "{\"a\":\n1}";
  t.created = queue::queue_time(std::chrono::sys_days(std::chrono::year(2024) / 2 / 29)) +
              queue::milliseconds(3'723'004);
  t.run_at = t.created;
  return t;
}

TEST(task_view, json_is_one_line_that_says_everything) {
  auto text = task_json(example(), true);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  auto o = boost::json::parse(text).as_object();
  EXPECT_EQ(o.at("id"), 12);
  EXPECT_EQ(o.at("state"), "retrying");
  EXPECT_EQ(o.at("kind"), "ma\x1bil");
  EXPECT_EQ(o.at("payload").at("a"), 1);
  EXPECT_EQ(o.at("run_at"), "2024-02-29T01:02:03.004Z");
  EXPECT_EQ(o.at("error"), "line one\nline two \xef\xbf\xbd");
  EXPECT_FALSE(o.contains("finished"));
  EXPECT_FALSE(boost::json::parse(task_json(example(), false)).as_object().contains("payload"));
}

TEST(task_view, text_harms_no_terminal) {
  for (auto& text : {task_row(example()), task_paragraph(example())})
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_EQ(task_row(example()).find('\n'), std::string::npos);
  EXPECT_NE(task_row(example()).find("1/3"), std::string::npos);
}

TEST(task_view, counts) {
  queue::queue_stats s;
  s.states[static_cast<std::size_t>(queue::task_state::ready)] = 3;
  s.ready = {1, 0, 2};
  s.oldest_ready = queue::milliseconds(1500);
  auto o = boost::json::parse(stats_json(s)).as_object();
  EXPECT_EQ(o.at("live"), 3);
  EXPECT_EQ(o.at("states").at("ready"), 3);
  EXPECT_EQ(o.at("ready").at("low"), 2);
  EXPECT_EQ(o.at("oldest_ready_ms"), 1500);
  EXPECT_EQ(stats_text(s).find("PAUSED"), std::string::npos);
  s.paused = true;
  EXPECT_NE(stats_text(s).find("PAUSED"), std::string::npos);
}

}  // namespace
}  // namespace tidewire::cli
