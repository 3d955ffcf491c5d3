#include <tidewire/core/context.hpp>

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace tidewire {
namespace {

TEST(context, reports_to_nobody_unless_told) {
  asio::io_context io;
  context ctx(io.get_executor(), rng(1));
  ASSERT_EQ(ctx.metrics, &no_metrics());
  ASSERT_EQ(ctx.log, &no_log());
  EXPECT_EQ(ctx.network, nullptr);
  EXPECT_EQ(ctx.authorization, nullptr);
  ctx.metrics->count("a_total", 1);
  ctx.metrics->gauge("b", 1, "k=v");
  ctx.metrics->observe("c_seconds", 1);
  ctx.log->write(severity::error, "event", {{"name", "value"}});
}

// A sink as a user writes one: each call arrives as what it is.
class adding_sink final : public metrics_sink {
 public:
  std::map<std::string, double> values;
  void count(std::string_view name, double n, std::string_view label) override {
    values["count " + std::string(name) + ' ' + std::string(label)] += n;
  }
  void gauge(std::string_view name, double n, std::string_view label) override {
    values["gauge " + std::string(name) + ' ' + std::string(label)] = n;
  }
  void observe(std::string_view name, double n, std::string_view label) override {
    values["observe " + std::string(name) + ' ' + std::string(label)] = n;
  }
};

TEST(context, a_users_sink_hears_what_is_reported) {
  asio::io_context io;
  adding_sink sink;
  context ctx(io.get_executor(), rng(1));
  ctx.metrics = &sink;
  ctx.metrics->count("n_total", 2);
  ctx.metrics->count("n_total", 3);
  ctx.metrics->gauge("level", 4, "k=v");
  ctx.metrics->observe("t_seconds", 5);
  std::map<std::string, double> expected{
      {"count n_total ", 5}, {"gauge level k=v", 4}, {"observe t_seconds ", 5}};
  EXPECT_EQ(sink.values, expected);
}

// A hook as a user writes one.
class token_source final : public authenticator {
 public:
  void authorize(std::string origin, bool refresh,
                 asio::any_completion_handler<void(error_code, std::string)> done) override {
    if (origin != "https://known:443")
      return std::move(done)(error_code(errc::invalid_argument), std::string());
    std::move(done)(error_code(), std::string(refresh ? "Bearer new" : "Bearer old"));
  }
};

TEST(authenticator, gives_a_value_for_an_origin_and_another_after_a_refusal) {
  token_source source;
  authenticator& hook = source;
  std::string got;
  error_code ended;
  auto keep = [&](error_code ec, std::string value) {
    ended = ec;
    got = std::move(value);
  };
  hook.authorize("https://known:443", false, keep);
  EXPECT_EQ(got, "Bearer old");
  hook.authorize("https://known:443", true, keep);
  EXPECT_EQ(got, "Bearer new");
  hook.authorize("https://other:443", false, keep);
  EXPECT_EQ(ended, errc::invalid_argument);
  EXPECT_EQ(got, "");
}

}  // namespace
}  // namespace tidewire
