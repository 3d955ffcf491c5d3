#include "prometheus_sink.hpp"

#include <gtest/gtest.h>

namespace tidewire::app {
namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::size_t lines_with(const std::string& text, std::string_view start) {
  std::size_t n = 0;
  for (auto at = text.find(start); at != text.npos; at = text.find(start, at + 1)) ++n;
  return n;
}

TEST(prometheus_sink, renders_each_kind) {
  prometheus_sink sink;
  sink.count("requests_total", 2, "status=2xx");
  sink.count("requests_total", 1, "status=2xx");
  sink.gauge("connections", 7);
  sink.gauge("connections", 5);
  sink.observe("seconds", 0.02);
  auto text = sink.render();
  EXPECT_TRUE(contains(text, "requests_total{status=\"2xx\"} 3"));
  EXPECT_TRUE(contains(text, "connections 5"));
  EXPECT_TRUE(contains(text, "seconds_bucket{le=\"0.01\"} 0"));
  EXPECT_TRUE(contains(text, "seconds_bucket{le=\"0.025\"} 1"));
}

TEST(prometheus_sink, bounds_the_series_of_a_name) {
  prometheus_sink sink;
  for (int i = 0; i < 1000; ++i) sink.count("x", 1, "id=" + std::to_string(i));
  auto text = sink.render();
  EXPECT_EQ(lines_with(text, "x{"), prometheus_sink::max_series + 1);
  EXPECT_TRUE(contains(text, "x{id=\"other\"} 968"));
}

TEST(prometheus_sink, bounds_the_names) {
  prometheus_sink sink;
  for (int i = 0; i < 1000; ++i) sink.gauge("n" + std::to_string(i), 1);
  EXPECT_EQ(lines_with(sink.render(), "# TYPE"), prometheus_sink::max_families);
}

TEST(prometheus_sink, survives_odd_input) {
  prometheus_sink sink;
  sink.count("1 bad-name\n", 1, "a b=c\"\n");
  sink.count("down", -1);
  sink.count("mixed", 1);
  sink.gauge("mixed", 5);
  auto text = sink.render();
  EXPECT_TRUE(contains(text, "_1_bad_name_{a_b=\"c\\\"\\n\"} 1"));
  EXPECT_FALSE(contains(text, "down -1"));
  EXPECT_TRUE(contains(text, "mixed 1"));
}

}  // namespace
}  // namespace tidewire::app
