#include "progress_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <limits>

namespace tidewire::cli {
namespace {

namespace json = boost::json;

TEST(progress_json, says_null_for_what_is_not_known) {
  transfer::download_progress p;
  p.downloaded_bytes = 5;
  p.bytes_per_second = std::numeric_limits<double>::infinity();
  auto o = json::parse(progress_json(1, "http://h/x", p)).as_object();
  EXPECT_EQ(o["type"], "progress");
  EXPECT_EQ(o["file"].to_number<int>(), 1);
  EXPECT_EQ(o["phase"], "connecting");
  EXPECT_TRUE(o["total_bytes"].is_null());
  EXPECT_TRUE(o["percentage"].is_null());
  EXPECT_TRUE(o["remaining_seconds"].is_null());
  EXPECT_EQ(o["downloaded_bytes"].to_number<int>(), 5);
}

TEST(progress_json, lists_segments) {
  transfer::download_progress p;
  p.segments = {{2, 10, 15, 20, 7.4}};
  auto o = json::parse(progress_json(0, "u", p)).as_object();
  EXPECT_EQ(json::serialize(o["segments"]),
            R"([{"connection":2,"begin":10,"position":15,"end":20,"bytes_per_second":7E0}])");
}

TEST(progress_json, draws_what_is_held) {
  transfer::download_progress p;
  EXPECT_EQ(json::serialize(json::parse(progress_json(0, "u", p)).at("held")), "[]");
  p.held = {{0, 10}, {20, 30}};
  EXPECT_EQ(json::serialize(json::parse(progress_json(0, "u", p)).at("held")), "[[0,10],[20,30]]");
}

TEST(event_json, is_one_safe_line_whatever_the_network_said) {
  transfer::download_event e{transfer::download_event::kind_type::retry, 3, "a\n\x1b[2J\xff"};
  auto line = event_json(0, "http://h/\x1b", e);
  EXPECT_EQ(line.find('\n'), line.npos);
  EXPECT_EQ(line.find('\x1b'), line.npos);
  auto o = json::parse(line).as_object();
  EXPECT_EQ(o["kind"], "retry");
  EXPECT_EQ(o["text"], "a\\x0a\\x1b[2J\\xff");
}

TEST(result_json, carries_outcome_and_code) {
  transfer::download_result r;
  r.path = "x";
  r.http_status = 404;
  auto o = json::parse(result_json(0, "u", exit_code::refused, r, "no", 1.5)).as_object();
  EXPECT_EQ(o["outcome"], "refused");
  EXPECT_EQ(o["exit_code"].to_number<int>(), 4);
  EXPECT_EQ(o["http_status"].to_number<int>(), 404);
  EXPECT_TRUE(o["sha-256"].is_null());
}

}  // namespace
}  // namespace tidewire::cli
