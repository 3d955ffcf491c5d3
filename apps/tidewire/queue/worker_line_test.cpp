#include "queue/worker_line.hpp"

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

queue::task_info task() {
  queue::task_info t;
  t.id = 5;
  t.kind = "ma\x1bil";
  t.attempt = 1;
  t.max_attempts = 3;
  return t;
}

TEST(worker_line, for_people) {
  EXPECT_EQ(worker_line(queue::task_started{task()}, line_form::text),
            "5 ma\\x1bil started, attempt 1 of 3");
  EXPECT_EQ(worker_line(queue::task_completed{task(), "1"}, line_form::text), "5 ma\\x1bil done");
  queue::task_failed failed{task(), "bad\n", true, queue::milliseconds(1500)};
  EXPECT_EQ(worker_line(failed, line_form::text),
            "5 ma\\x1bil failed, attempt 1 of 3, again in 1.5 s: bad\\x0a");
  failed.will_retry = false;
  EXPECT_EQ(worker_line(failed, line_form::text), "") << "told as exhausted";
  EXPECT_EQ(worker_line(queue::task_cancelled{5, true}, line_form::text), "5 asked to end");
}

TEST(worker_line, for_programs) {
  EXPECT_EQ(worker_line(queue::task_completed{task(), "[\n1]"}, line_form::json),
            R"({"type":"done","task":5,"kind":"ma\u001bil","attempt":1,"max_attempts":3,)"
            R"("result":[ 1]})");
  queue::task_info foreign;
  foreign.id = 6;
  EXPECT_EQ(worker_line(queue::task_exhausted{foreign, "silent", queue::task_state::failed},
                        line_form::json),
            R"({"type":"exhausted","task":6,"state":"failed","error":"silent"})");
  EXPECT_EQ(worker_line(worker_totals{1, 2, 3, 4}, line_form::json),
            R"({"type":"end","done":1,"failed_attempts":2,"dead_letters":3,"cancelled":4})");
}

}  // namespace
}  // namespace tidewire::cli
