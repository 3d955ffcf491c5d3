#include "queue/http_task.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/queue/task.hpp>

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

using namespace std::chrono_literals;
using kind = queue::outcome::kind;

queue::outcome answered(unsigned status, std::string body = {},
                        std::optional<std::string> retry_after = {}) {
  http_answer a;
  a.status = status;
  a.body = std::move(body);
  a.retry_after = std::move(retry_after);
  return outcome_of(a, std::chrono::system_clock::time_point(std::chrono::hours(500'000)));
}

TEST(http_task, reads_a_request) {
  auto read = parse_http_order(
      R"({"url":"http://h/p?q","method":"PUT","headers":{"X-A":"b"},"body":{"a": 1.0}})");
  ASSERT_TRUE(read.order) << read.fault;
  EXPECT_EQ(read.order->request.target.text(), "http://h/p?q");
  EXPECT_EQ(read.order->request.method, "PUT");
  EXPECT_EQ(read.order->request.headers.find("x-a"), "b");
  EXPECT_EQ(read.order->request.headers.find("content-type"), "application/json");
  EXPECT_EQ(read.order->body, R"({"a": 1.0})");
}

TEST(http_task, has_defaults) {
  auto get = parse_http_order(R"({"url":"http://h"})");
  ASSERT_TRUE(get.order);
  EXPECT_EQ(get.order->request.method, "GET");
  EXPECT_FALSE(get.order->has_body);
  auto post = parse_http_order(
      R"({"url":"http://h","body":"plain","headers":{"content-type":"text/plain"}})");
  ASSERT_TRUE(post.order);
  EXPECT_EQ(post.order->request.method, "POST");
  EXPECT_EQ(post.order->body, "plain");
  EXPECT_EQ(post.order->request.headers.count("Content-Type"), 1u);
}

TEST(http_task, refuses_what_is_no_request) {
  for (auto payload :
       {"", "3", "{}", R"({"url":3})", R"({"url":"ftp://h/"})", R"({"url":"h"})",
        R"({"url":"http://h","method":"GE T"})", R"({"url":"http://h","method":1})",
        R"({"url":"http://h","headers":[]})", R"({"url":"http://h","headers":{"a":1}})",
        R"({"url":"http://h","headers":{"a b":"c"}})",
        R"({"url":"http://h","headers":{"a":"b\r\nc: d"}})",
        R"({"url":"http://h","headers":{"Content-Length":"5"}})",
        R"({"url":"http://h","uri":"x"})"}) {
    auto read = parse_http_order(payload);
    EXPECT_FALSE(read.order) << payload;
    EXPECT_FALSE(read.fault.empty()) << payload;
  }
}

TEST(http_task, success_keeps_the_answer) {
  EXPECT_EQ(answered(204).text(), R"({"status":204})");
  EXPECT_EQ(answered(200, "[1]").text(), R"({"status":200,"body":[1]})");
  EXPECT_EQ(answered(200, "hi").text(), R"({"status":200,"body":"hi"})");
  auto control = answered(200, std::string(kept_body_bytes, '\x01'));
  EXPECT_LE(control.text().size(), queue::task_bounds::result_bytes);
  EXPECT_TRUE(check_json(control.text()));
}

TEST(http_task, status_decides) {
  for (unsigned status : {408u, 425u, 429u, 500u, 502u, 503u, 599u})
    EXPECT_EQ(answered(status).what(), kind::retry) << status;
  for (unsigned status : {301u, 304u, 400u, 401u, 404u, 409u, 410u, 422u})
    EXPECT_EQ(answered(status).what(), kind::discard) << status;
}

TEST(http_task, obeys_retry_after_within_a_day) {
  EXPECT_EQ(answered(503, "", "7").after(), 7s);
  EXPECT_EQ(answered(429, "", "99999999").after(), 24h);
  EXPECT_FALSE(answered(503, "", "soon").after());
  EXPECT_FALSE(answered(503).after());
}

TEST(http_task, errors_are_short_and_say_the_status) {
  auto how = answered(500, std::string(10'000, 'x'));
  EXPECT_LE(how.text().size(), 600u);
  EXPECT_TRUE(how.text().starts_with("the server answered 500: xxx"));
}

}  // namespace
}  // namespace tidewire::cli
