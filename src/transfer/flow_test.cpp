// The small parts that decide how much and when: concurrency, host_gate, rate_limiter, rate_meter,
// and the bounds of download_request.
#include "transfer/concurrency.hpp"
#include "transfer/host_gate.hpp"
#include "transfer/rate_limiter.hpp"
#include "transfer/rate_meter.hpp"

#include <tidewire/core/rng.hpp>
#include <tidewire/transfer/download_request.hpp>
#include <tidewire/transfer/download_sink.hpp>

#include <gtest/gtest.h>

#include <functional>

namespace tidewire::transfer {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t mib = 1024 * 1024, plenty = std::uint64_t{1} << 40;

clock::time_point at(clock::duration d) {
  return clock::time_point() + d;
}

// Feeds a concurrency with a link whose rate depends on the connections in use.
unsigned settle(concurrency& c, const std::function<double(unsigned)>& rate, int seconds) {
  double received = 0;
  for (int i = 1; i <= seconds * 10; ++i) {
    received += rate(c.target()) / 10;
    c.observe(static_cast<std::uint64_t>(received), plenty, at(i * 100ms));
  }
  return c.target();
}

TEST(concurrency, fixed_stays_and_is_never_zero) {
  auto c = concurrency::fixed(4);
  EXPECT_EQ(settle(
                c, [](unsigned n) { return n * 1e7; }, 20),
            4U);
  EXPECT_EQ(concurrency::fixed(0).target(), 1U);
}

TEST(concurrency, adaptive_grows_while_that_pays) {
  auto c = concurrency::adaptive(16, at(0s));
  EXPECT_EQ(c.target(), 1U);
  EXPECT_EQ(settle(
                c, [](unsigned n) { return n * 1e7; }, 20),
            16U);
  auto odd = concurrency::adaptive(6, at(0s));
  EXPECT_EQ(settle(
                odd, [](unsigned n) { return n * 1e7; }, 20),
            6U)
      << "never above its maximum";
}

TEST(concurrency, adaptive_stops_where_the_link_is_full) {
  auto c = concurrency::adaptive(16, at(0s));
  auto target = settle(
      c, [](unsigned n) { return std::min(n, 2U) * 1e7; }, 20);
  EXPECT_GE(target, 2U);
  EXPECT_LE(target, 4U);
}

TEST(concurrency, adaptive_does_not_open_connections_for_the_last_bytes) {
  auto c = concurrency::adaptive(16, at(0s));
  for (int i = 1; i <= 50; ++i) {
    c.observe(static_cast<std::uint64_t>(i) * mib, mib, at(i * 100ms));
  }
  EXPECT_EQ(c.target(), 1U);
}

TEST(concurrency, one_step_a_second_at_most) {
  auto c = concurrency::adaptive(64, at(0s));
  for (int i = 1; i <= 35; ++i) {
    c.observe(static_cast<std::uint64_t>(i * i) * mib, plenty, at(i * 100ms));
    EXPECT_LE(c.target(), 1U << (i / 10)) << i;
  }
}

TEST(concurrency, halving_is_final_and_keeps_one) {
  auto c = concurrency::adaptive(16, at(0s));
  settle(
      c, [](unsigned n) { return n * 1e7; }, 20);
  c.halve(at(20s), at(21s));
  EXPECT_EQ(c.target(), 8U);
  c.halve(at(20500ms), at(22s));
  EXPECT_EQ(c.target(), 8U) << "asked before the server's first no was known";
  EXPECT_EQ(settle(
                c, [](unsigned n) { return n * 1e7; }, 20),
            8U)
      << "the server asked for less";
  for (int i = 0; i < 10; ++i) c.halve(at(30s + i * 1s), at(30s + i * 1s));
  EXPECT_EQ(c.target(), 1U);
}

// Law D6: no request inside a Retry-After window.
TEST(host_gate, is_closed_until_the_latest_time_it_was_told) {
  host_gate gate;
  EXPECT_EQ(gate.wait("a", at(0s)), 0s);
  gate.close_until("a", at(10s), at(0s));
  gate.close_until("a", at(5s), at(1s));
  EXPECT_EQ(gate.wait("a", at(1s)), 9s);
  EXPECT_EQ(gate.wait("b", at(1s)), 0s);
  EXPECT_EQ(gate.wait("a", at(10s)), 0s);
  gate.close_until("b", at(30s), at(20s));
  gate.close_until("a", at(21s), at(20s));
  EXPECT_EQ(gate.wait("a", at(20s)), 1s);
}

TEST(host_gate, is_bounded_and_forgets_what_is_over) {
  host_gate gate;
  for (std::size_t i = 0; i < 2 * host_gate::max_origins; ++i)
    gate.close_until(std::to_string(i), at(10s), at(0s));
  EXPECT_EQ(gate.wait("0", at(0s)), 10s);
  EXPECT_EQ(gate.wait(std::to_string(host_gate::max_origins), at(0s)), 0s);
  gate.close_until("0", at(20s), at(0s));
  EXPECT_EQ(gate.wait("0", at(0s)), 20s) << "one that is in it can still be moved";
  gate.close_until("late", at(40s), at(30s));
  EXPECT_EQ(gate.wait("late", at(30s)), 10s) << "the old ones made room";
}

// Over any time, never more than the rate and one buffer; and no less, when asked all the time.
TEST(rate_limiter, keeps_the_rate_over_any_window) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    rng random(seed);
    auto rate = static_cast<std::uint64_t>(random.between(1000, 100'000'000));
    rate_limiter limiter(rate);
    auto buffer = static_cast<std::int64_t>(limiter.sensible_buffer());
    auto now = at(std::chrono::milliseconds(random.between(0, 100'000)));
    // A pause gives no right to a burst.
    limiter.take(1, now);
    now += 1h;
    auto start = now;
    std::uint64_t taken = 0;
    while (now - start < 20s) {
      auto wait = limiter.wait(now);
      if (wait > 0s) {
        now += wait;
        continue;
      }
      auto bytes = static_cast<std::uint64_t>(random.between(1, buffer));
      limiter.take(bytes, now);
      taken += bytes;
      auto allowed =
          static_cast<double>(rate) * std::chrono::duration<double>(now - start).count() +
          static_cast<double>(buffer) + 1;
      ASSERT_LE(static_cast<double>(taken), allowed * 1.000001);
    }
    EXPECT_GE(static_cast<double>(taken), 20.0 * static_cast<double>(rate) * 0.999);
  }
}

TEST(rate_limiter, zero_is_no_limit) {
  rate_limiter limiter(0);
  limiter.take(~std::uint64_t{0}, at(0s));
  EXPECT_FALSE(limiter.enabled());
  EXPECT_EQ(limiter.wait(at(0s)), 0s);
  EXPECT_EQ(limiter.sensible_buffer(), 0U) << "leaves the client its own";
}

TEST(rate_limiter, buffers_are_bounded) {
  EXPECT_GE(rate_limiter(1).sensible_buffer(), 1024U);
  EXPECT_LE(rate_limiter(~std::uint64_t{0}).sensible_buffer(), mib);
}

TEST(rate_meter, measures_an_even_stream_from_the_first_moments_on) {
  rate_meter meter(at(0s));
  EXPECT_EQ(meter.at(at(0s)), 0);
  for (int i = 1; i <= 1000; ++i) {
    meter.add(1000, at(i * 10ms));
    if (i > 30) {
      ASSERT_NEAR(meter.at(at(i * 10ms)), 100'000, 4'000) << i;
    }
  }
}

TEST(rate_meter, forgets_within_some_memories) {
  rate_meter meter(at(0s));
  for (int i = 1; i <= 300; ++i) meter.add(1000, at(i * 10ms));
  auto before = meter.at(at(3s));
  EXPECT_LT(meter.at(at(3s + 1500ms)), before / 2);
  EXPECT_GT(meter.at(at(3s + 1500ms)), before / 4);
  EXPECT_LT(meter.at(at(20s)), before / 1000) << "a stall shows";
  EXPECT_GE(meter.at(at(10h)), 0);
}

TEST(rate_meter, bears_time_that_stands_still) {
  rate_meter meter(at(1s));
  meter.add(1000, at(1s));
  EXPECT_EQ(meter.at(at(1s)), 0) << "no time, no rate";
  meter.add(1000, at(0s));
  EXPECT_GT(meter.at(at(2s)), 0);
}

download_request make() {
  return download_request(*http::url::parse("http://example.test/a"));
}

class nowhere final : public download_sink {
  result<void> write(std::span<const std::byte>) override { return {}; }
};

TEST(download_request, has_the_documented_defaults) {
  auto request = make();
  auto& s = request.settings();
  EXPECT_EQ(s.sources.size(), 1U);
  EXPECT_EQ(s.connections, 4U);
  EXPECT_FALSE(s.adaptive);
  EXPECT_EQ(s.min_split_bytes, mib);
  EXPECT_EQ(s.keep, durability::power);
  EXPECT_FALSE(s.overwrite || s.accept_unverified);
  EXPECT_EQ(s.max_restarts, 3U);
}

TEST(download_request, keeps_its_bounds) {
  auto request = make().connections(0).min_split_bytes(0);
  EXPECT_EQ(request.settings().connections, 1U);
  EXPECT_EQ(request.settings().min_split_bytes, 1U);
  request.connections(1000);
  EXPECT_EQ(request.settings().connections, download_request::max_connections);
  request.adaptive_connections(0);
  EXPECT_EQ(request.settings().connections, 1U);
  EXPECT_TRUE(request.settings().adaptive);
  request.adaptive_connections(1000);
  EXPECT_EQ(request.settings().connections, download_request::max_connections);
  request.connections(2);
  EXPECT_FALSE(request.settings().adaptive) << "the last call counts";
  for (int i = 0; i < 100; ++i) request.mirror(*http::url::parse("http://example.test/b"));
  EXPECT_EQ(request.settings().sources.size(), download_request::max_sources);
}

TEST(download_request, goes_to_one_place_the_last_that_was_named) {
  nowhere sink;
  auto request = make().to_file("f").to_folder("d");
  EXPECT_EQ(request.settings().file, "");
  EXPECT_EQ(request.settings().folder, "d");
  request.to_sink(sink);
  EXPECT_EQ(request.settings().folder, "");
  EXPECT_EQ(request.settings().sink, &sink);
  request.to_file("g");
  EXPECT_EQ(request.settings().file, "g");
  EXPECT_EQ(request.settings().sink, nullptr);
}

}  // namespace
}  // namespace tidewire::transfer
