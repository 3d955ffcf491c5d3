#include "download_record.hpp"

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <csignal>

namespace tidewire::demo {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr auto progress =
    R"({"type":"progress","file":0,"url":"u","phase":"downloading","downloaded_bytes":50,)"
    R"("resumed_bytes":0,"total_bytes":100,"percentage":50.0,"bytes_per_second":10,)"
    R"("remaining_seconds":5,"generation":1,"segments":[{"connection":0,"begin":0,"position":50,)"
    R"("end":100,"bytes_per_second":10}],"held":[[0,50]]})";

struct download_record_test : testing::Test {
  download_record_test() : record("d1", "http://h/x", "x", "ab") { record.run_begun(0ms); }
  json::object now() { return record.json(); }
  std::string kinds() {
    std::string out;
    auto view = now();
    for (auto& e : view.at("events").as_array()) out += std::string(e.at("kind").as_string()) + " ";
    return out;
  }
  void event(const char* kind) {
    record.line(
        std::string(R"({"type":"event","kind":")") + kind + R"(","connection":2,"text":"why"})",
        5ms);
  }
  download_record record;
};

TEST_F(download_record_test, begins_with_every_member_known_or_null) {
  auto o = now();
  EXPECT_EQ(o.at("state"), "running");
  EXPECT_EQ(o.at("phase"), "connecting");
  EXPECT_EQ(o.at("downloaded_bytes").to_number<int>(), 0);
  for (auto name :
       {"total_bytes", "percentage", "remaining_seconds", "requests", "journal", "result"})
    EXPECT_TRUE(o.at(name).is_null()) << name;
  EXPECT_EQ(json::serialize(o.at("held")), "[]");
  EXPECT_EQ(o.at("expected_sha256"), "ab");
  EXPECT_TRUE(download_record("d", "s", "n", "").json().at("expected_sha256").is_null());
}

TEST_F(download_record_test, shows_what_the_process_says) {
  record.line(progress, 1ms);
  auto o = now();
  EXPECT_EQ(o.at("phase"), "downloading");
  EXPECT_EQ(o.at("downloaded_bytes").to_number<int>(), 50);
  EXPECT_EQ(json::serialize(o.at("held")), "[[0,50]]");
  EXPECT_EQ(o.at("segments").as_array().size(), 1u);
  EXPECT_FALSE(o.contains("type"));
  EXPECT_TRUE(record.downloading());
  for (auto text : {"", "not json", "[]", "{}", R"({"type":1})", R"({"type":"progress"})",
                    R"({"type":"event"})"})
    record.line(text, 2ms);
  EXPECT_EQ(now().at("downloaded_bytes").to_number<int>(), 50);
}

TEST_F(download_record_test, counts_retries_and_restarts) {
  event("retry");
  event("retry");
  event("restarted");
  auto o = now();
  EXPECT_EQ(o.at("retries").to_number<int>(), 2);
  EXPECT_EQ(o.at("restarts").to_number<int>(), 1);
  auto& last = o.at("events").as_array().back().as_object();
  EXPECT_EQ(last.at("seq").to_number<int>(), 3);
  EXPECT_EQ(last.at("at_ms").to_number<int>(), 5);
  EXPECT_EQ(last.at("connection").to_number<int>(), 2);
  EXPECT_EQ(last.at("text"), "why");
}

TEST_F(download_record_test, keeps_the_last_fifty_events_and_no_endless_text) {
  for (int i = 0; i < 60; ++i) event("retry");
  EXPECT_EQ(now().at("events").as_array().size(), download_record::max_events);
  EXPECT_EQ(now().at("events").as_array().front().at("seq").to_number<int>(), 11);
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "\u00fc";
  record.line(R"({"type":"event","kind":"retry","text":"x)" + umlauts + "\"}", 1ms);
  auto text = std::string(now().at("events").as_array().back().at("text").as_string());
  EXPECT_LE(text.size(), download_record::max_text_bytes + 3);
  EXPECT_TRUE(text.ends_with("\u00fc\u2026")) << "cut between characters";
}

TEST_F(download_record_test, a_kill_is_told_from_a_pause_and_from_a_failure) {
  record.line(progress, 1ms);
  record.run_ended({0, SIGKILL}, 9ms);
  EXPECT_EQ(now().at("state"), "killed");
  EXPECT_EQ(now().at("kills").to_number<int>(), 1);
  EXPECT_TRUE(now().at("phase").is_null());
  EXPECT_EQ(json::serialize(now().at("segments")), "[]");
  record.run_begun(10ms);
  record.pausing();
  EXPECT_EQ(now().at("state"), "pausing");
  record.line(R"({"type":"result","outcome":"interrupted","exit_code":130,"requests":2})", 11ms);
  record.run_ended({130, 0}, 12ms);
  EXPECT_EQ(now().at("state"), "paused");
  EXPECT_TRUE(now().at("result").is_null());
  record.run_begun(13ms);
  record.pausing();
  record.run_ended({0, SIGINT}, 14ms);
  EXPECT_EQ(now().at("state"), "paused") << "the signal came before the process had asked for it";
  record.run_begun(15ms);
  record.run_ended({130, 0}, 16ms);
  EXPECT_EQ(now().at("state"), "failed") << "nobody asked for a pause";
  EXPECT_EQ(kinds(), "killed resumed paused resumed paused resumed ");
}

TEST_F(download_record_test, ends_with_the_result) {
  record.line(
      R"({"type":"result","outcome":"ok","exit_code":0,"path":"x","bytes":100,"requests":3,)"
      R"("seconds":1.5,"sha-256":"ab","message":"saved x"})",
      5ms);
  record.run_ended({0, 0}, 6ms);
  auto o = now();
  EXPECT_EQ(o.at("state"), "done");
  EXPECT_EQ(o.at("requests").to_number<int>(), 3);
  auto& r = o.at("result").as_object();
  EXPECT_EQ(r.at("outcome"), "ok");
  EXPECT_EQ(r.at("sha256"), "ab");
  EXPECT_EQ(r.at("bytes").to_number<int>(), 100);
  EXPECT_FALSE(record.running());
}

TEST_F(download_record_test, a_process_that_refuses_its_command_line_has_the_last_word) {
  record.line("tidewire get: that is no URL", 1ms);
  record.run_ended({2, 0}, 2ms);
  auto r = now().at("result").as_object();
  EXPECT_EQ(now().at("state"), "failed");
  EXPECT_EQ(r.at("exit_code").to_number<int>(), 2);
  EXPECT_EQ(r.at("message"), "tidewire get: that is no URL");
  record.run_begun(3ms);
  record.run_ended({0, SIGSEGV}, 4ms);
  EXPECT_NE(now().at("result").at("message").as_string().find("signal 11"), std::string::npos);
}

TEST_F(download_record_test, what_the_disk_holds_counts_once_the_process_is_gone) {
  record.line(progress, 1ms);
  transfer::partial_download partial;
  partial.total_bytes = 100;
  partial.held_bytes = 40;
  partial.durable_bytes = 30;
  record.disk_shows(partial);
  EXPECT_EQ(now().at("downloaded_bytes").to_number<int>(), 50);
  EXPECT_EQ(now().at("journal").at("durable_bytes").to_number<int>(), 30);
  record.run_ended({0, SIGKILL}, 2ms);
  record.disk_shows(partial);
  EXPECT_EQ(now().at("downloaded_bytes").to_number<int>(), 40);
  EXPECT_EQ(now().at("percentage").to_number<double>(), 40);
  record.disk_shows({});
  EXPECT_EQ(now().at("journal").at("exists"), false);
}

}  // namespace
}  // namespace tidewire::demo
