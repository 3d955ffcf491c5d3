#include "link_settings.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

namespace tidewire::demo {
namespace {

using namespace std::chrono_literals;

boost::json::object parse(const char* text) {
  return boost::json::parse(text).as_object();
}

TEST(link_settings, takes_over_what_is_named_and_keeps_the_rest) {
  link_settings s;
  EXPECT_FALSE(s.apply(parse(R"({"latency_ms":150,"loss_percent":1.5,"offline":true})")));
  EXPECT_EQ(s.latency_ms, 150);
  EXPECT_EQ(s.jitter_ms, 5);
  EXPECT_EQ(s.loss_percent, 1.5);
  EXPECT_TRUE(s.offline);
  EXPECT_FALSE(s.apply(parse("{}")));
  EXPECT_EQ(s.latency_ms, 150);
}

TEST(link_settings, become_faults_of_the_proxy) {
  link_settings s;
  EXPECT_FALSE(s.apply(parse(R"({"latency_ms":40,"jitter_ms":10,"loss_percent":0.5,
      "bytes_per_second":1000000,"reset_percent_per_mib":2,"offline":true})")));
  auto f = s.faults();
  EXPECT_EQ(f.latency, 40ms);
  EXPECT_EQ(f.jitter, 10ms);
  EXPECT_EQ(f.loss_ppm, 5000u);
  EXPECT_EQ(f.up_bytes_per_second, 1'000'000u);
  EXPECT_EQ(f.down_bytes_per_second, 1'000'000u);
  EXPECT_EQ(f.reset_ppm_per_mib, 20'000u);
  EXPECT_TRUE(f.offline);
}

TEST(link_settings, come_back_as_they_were_given) {
  link_settings s;
  auto given = s.json();
  given["latency_ms"] = 7;
  EXPECT_FALSE(s.apply(given));
  EXPECT_EQ(s.json(), given);
}

TEST(link_settings, change_nothing_when_anything_is_wrong) {
  for (auto text :
       {R"({"latency_ms":9,"jitter_ms":5001})", R"({"latency_ms":9,"jitter_ms":-1})",
        R"({"latency_ms":9,"jitter_ms":1.5})", R"({"latency_ms":9,"jitter_ms":"1"})",
        R"({"latency_ms":9,"loss_percent":50.1})", R"({"latency_ms":9,"offline":1})",
        R"({"latency_ms":9,"bytes_per_second":1000000001})",
        R"({"latency_ms":9,"reset_percent_per_mib":null})", R"({"latency_ms":9,"latency":9})"}) {
    link_settings s;
    auto no = s.apply(parse(text));
    ASSERT_TRUE(no) << text;
    EXPECT_EQ(no->status, 422u) << text;
    EXPECT_FALSE(no->detail.empty());
    EXPECT_EQ(s.json(), link_settings().json()) << text;
  }
}

}  // namespace
}  // namespace tidewire::demo
