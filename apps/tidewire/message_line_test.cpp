#include "message_line.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

realtime::message sample(std::string data) {
  return {"room", "e1", 42, "c7:19", "2024-01-01T00:00:00Z", std::move(data)};
}

TEST(message_line, shows_text_as_text_and_the_rest_as_json) {
  EXPECT_EQ(message_line(sample("\"hello\""), false), "hello");
  EXPECT_EQ(message_line(sample("{\"a\":\n1}"), false), "{\"a\": 1}");
  EXPECT_EQ(message_line(sample("\"x\""), true), "room\tx");
}

TEST(message_line, lets_nothing_harm_a_terminal) {
  EXPECT_EQ(message_line(sample("\"a\\u001b[2J\""), false), "a\\x1b[2J");
  EXPECT_EQ(message_line(sample("\"a\\nb\""), false), "a\\x0ab");
}

TEST(message_line, json_is_one_line_with_the_payload_as_it_was) {
  auto text = message_json(sample("{\"a\":\n[1.0, \"\\n\"]}"));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  auto v = boost::json::parse(text);
  EXPECT_EQ(v.at("type"), "message");
  EXPECT_EQ(v.at("offset"), 42);
  EXPECT_EQ(v.at("data").at("a").at(1), "\n");
  EXPECT_NE(text.find("1.0"), std::string::npos);
}

TEST(message_line, resets_and_receipts_are_json_too) {
  realtime::reset r{"room", {"e1", 3}, {"e2", 0}, "epoch"};
  EXPECT_EQ(boost::json::parse(reset_json(r)).at("to").at("epoch"), "e2");
  realtime::publish_receipt acked;
  acked.id = "c:1";
  acked.state = realtime::receipt_state::acked;
  acked.offset = 5;
  acked.duplicate = true;
  EXPECT_EQ(boost::json::parse(receipt_json(acked, 3)).at("offset"), 5);
  EXPECT_EQ(receipt_line(acked, 3), "acked 5 c:1 (it was there already)");
  realtime::publish_receipt no;
  no.id = "c:2";
  no.state = realtime::receipt_state::rejected;
  no.reason = "too_large";
  EXPECT_EQ(boost::json::parse(receipt_json(no, 4)).at("reason"), "too_large");
  EXPECT_EQ(receipt_line(no, 4), "rejected line 4 c:2: too_large");
}

}  // namespace
}  // namespace tidewire::cli
