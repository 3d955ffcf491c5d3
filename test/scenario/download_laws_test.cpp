// The laws D1 to D8 of the downloader, each played on a network and a disk that fail on command.
#include "live_memory.hpp"
#include "scene.hpp"

#include <tidewire/transfer/download_sink.hpp>

#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tidewire {
namespace {

using namespace std::chrono_literals;
using lab::network_fault;
using test::scene;
using transfer::errc;
using event = transfer::download_event::kind_type;

constexpr std::uint32_t always = 1'000'000;
constexpr std::uint64_t mib = 1024 * 1024;
// What a connection may hold between the network and the file.
constexpr std::uint64_t in_flight = 256 * 1024;

void expect_whole(const scene& s, const test::download_call& call) {
  ASSERT_TRUE(call.ended);
  ASSERT_FALSE(call.ec) << call.ec.message() << ": " << call.result.detail;
  auto bytes = s.bytes_of(scene::target);
  ASSERT_TRUE(bytes);
  EXPECT_TRUE(*bytes == s.served->content());
  EXPECT_FALSE(s.bytes_of(std::string(scene::target) + ".part"));
  EXPECT_FALSE(s.bytes_of(std::string(scene::target) + ".part.journal"));
}

TEST(D1_one_generation, a_resource_that_changes_on_the_way_is_begun_anew) {
  scene s(4 * mib);
  s.link.bytes_per_second = mib;
  auto call = s.start(s.request());
  s.world.run_for(500ms);
  ASSERT_GT(call->progress.downloaded_bytes, mib / 2);
  s.served->generation = 2;
  s.host.crash();  // so that the next requests see the new one
  s.host.start(test::serve(s.served));
  s.run_until_end(*call);
  expect_whole(s, *call);
  EXPECT_EQ(call->result.generation, 2U);
  EXPECT_EQ(call->count(event::restarted), 1U);
}

TEST(D1_one_generation, a_resource_that_changed_between_two_runs_is_begun_anew) {
  scene s(4 * mib);
  s.link.bytes_per_second = mib;
  s.start(s.request());
  s.world.run_for(500ms);
  s.kill_client();
  s.served->generation = 2;
  auto second = s.run(s.request());
  expect_whole(s, *second);
  EXPECT_EQ(second->result.resumed_bytes, 0U);
}

TEST(D1_one_generation, one_that_changes_all_the_time_is_an_error_after_some_restarts) {
  scene s(4 * mib);
  s.link.bytes_per_second = mib;
  auto call = s.start(s.request().max_restarts(2));
  while (!call->ended) {
    s.world.run_for(300ms);
    ++s.served->generation;
    s.host.start(test::serve(s.served));
    ASSERT_LT(s.served->generation, 100U);
  }
  EXPECT_EQ(call->ec, errc::changed);
  EXPECT_EQ(call->count(event::restarted), 2U);
  EXPECT_FALSE(s.bytes_of(scene::target));
}

class lying_server : public ::testing::TestWithParam<network_fault> {};

// Without any digest, and with the lie in every answer.
TEST_P(lying_server, never_gets_wrong_bytes_past) {
  scene s(mib);
  s.link[GetParam()] = always;
  retry_policy some;
  some.max_attempts = 4;
  auto call = s.run(s.request().retries(some));
  ASSERT_TRUE(call->ended);
  if (!call->ec)
    expect_whole(s, *call);
  else
    EXPECT_FALSE(s.bytes_of(scene::target)) << call->ec.message();
}

// The two that no client can see without a digest are lie_length_shorter and lie_partial_as_200.
INSTANTIATE_TEST_SUITE_P(
    D1, lying_server,
    ::testing::Values(network_fault::lie_range_start, network_fault::lie_range_total,
                      network_fault::lie_range_ignored, network_fault::lie_etag_other,
                      network_fault::lie_etag_missing, network_fault::lie_etag_weak,
                      network_fault::lie_content_encoding, network_fault::lie_status,
                      network_fault::lie_retry_later, network_fault::lie_multipart,
                      network_fault::lie_length_longer, network_fault::lie_no_length,
                      network_fault::lie_redirect),
    [](auto& lie) { return std::string(lab::name_of(lie.param)); });

TEST(D1_one_generation, with_a_digest_the_lies_that_cannot_be_seen_are_found_at_the_end) {
  for (auto lie : {network_fault::lie_length_shorter, network_fault::corrupt}) {
    scene s(mib);
    s.link[lie] = always;
    // Alone: two connections contradict each other about the length, which looks like a change.
    auto call = s.run(s.request().checksum(s.digest()).connections(1));
    ASSERT_TRUE(call->ended);
    EXPECT_EQ(call->ec, errc::digest_mismatch) << lab::name_of(lie);
    EXPECT_FALSE(s.bytes_of(scene::target));
    s.link[lie] = 0;
    auto healthy = s.run(s.request().checksum(s.digest()));
    expect_whole(s, *healthy);
  }
}

TEST(D2_any_kills_then_a_healthy_run, ends_byte_identical) {
  scene s(8 * mib);
  s.link.bytes_per_second = mib;
  for (int i = 0; i < 6; ++i) {
    s.start(s.request());
    s.world.run_for(250ms + i * 37ms);
    if (i % 3 == 0)
      s.cut_power();
    else
      s.kill_client();
    EXPECT_FALSE(s.bytes_of(scene::target));
  }
  auto last = s.run(s.request());
  expect_whole(s, *last);
  EXPECT_GT(last->result.resumed_bytes, 2 * mib);
}

// A retry begins behind the last byte that came, not at the start of its piece.
TEST(D3_little_is_fetched_again, a_reset_costs_nothing_that_had_arrived) {
  scene s(8 * mib);
  s.link.bytes_per_second = mib;
  s.link[network_fault::reset_response] = 500'000;
  auto call = s.run(s.request());
  expect_whole(s, *call);
  EXPECT_GT(call->result.retries, 0U);
  EXPECT_LE(call->result.received_bytes, s.served->size + call->result.steals * in_flight);
}

TEST(D3_little_is_fetched_again, after_a_kill_only_what_was_in_flight) {
  scene s(16 * mib);
  s.link.bytes_per_second = mib;
  auto first = s.start(s.request());
  s.world.run_for(2500ms);
  auto held = first->progress.downloaded_bytes;
  ASSERT_GT(held, 6 * mib);
  s.kill_client();
  auto second = s.run(s.request());
  expect_whole(s, *second);
  EXPECT_LE(held + second->result.received_bytes, s.served->size + 4 * in_flight);
}

TEST(D3_little_is_fetched_again, after_a_power_cut_only_the_commit_window) {
  scene s(32 * mib);
  s.link.bytes_per_second = mib;
  auto first = s.start(s.request());
  s.world.run_for(4700ms);
  auto held = first->progress.downloaded_bytes;
  ASSERT_GT(held, 12 * mib);
  s.cut_power();
  auto second = s.run(s.request());
  expect_whole(s, *second);
  // Four connections at 1 MiB/s for one second and a tick.
  EXPECT_LE(held + second->result.received_bytes, s.served->size + 5 * mib + 4 * in_flight);
}

TEST(D4_durable_claims, are_a_subset_of_the_durable_bytes_whatever_moment_the_power_goes) {
  constexpr std::uint64_t size = 3 * mib;
  for (int step = 1; step <= 40; ++step) {
    scene s(size);
    s.link.bytes_per_second = mib;
    auto call = s.start(s.request());
    s.world.run_for(step * 37ms);
    bool ended = call->ended;
    s.cut_power();
    auto next = s.run(s.request().overwrite());
    // What was claimed and not durable would now be a hole of zeros in the file.
    expect_whole(s, *next);
    if (!ended) {
      EXPECT_LT(next->result.resumed_bytes, size);
    }
  }
}

TEST(D5_the_final_name, appears_with_the_last_byte_and_not_before) {
  scene s(2 * mib);
  s.link.bytes_per_second = mib;
  auto call = s.start(s.request());
  while (!call->ended) {
    s.world.run_for(1ms);
    auto bytes = s.bytes_of(scene::target);
    if (bytes) {
      ASSERT_TRUE(*bytes == s.served->content());
    }
    if (call->progress.percentage >= 100.0) {
      ASSERT_EQ(call->progress.phase, transfer::download_phase::complete);
    }
  }
  expect_whole(s, *call);
}

TEST(D5_the_final_name, is_not_given_to_bytes_that_are_not_the_promised_ones) {
  scene s(mib);
  auto wrong = s.digest();
  wrong.bytes[0] ^= std::byte{1};
  auto call = s.run(s.request().checksum(wrong));
  EXPECT_EQ(call->ec, errc::digest_mismatch);
  EXPECT_FALSE(s.bytes_of(scene::target));
}

// The server asks for 7 seconds in the middle of a download with four connections.
TEST(D6_requests, none_inside_a_retry_after_window) {
  scene s(16 * mib);
  s.link.bytes_per_second = 2 * mib;
  s.link[network_fault::reset_response] = 300'000;
  auto honest = test::serve(s.served);
  int asked = 0;
  s.host.start([&, honest](server::request& req) -> asio::awaitable<server::response> {
    if (++asked % 2 == 0) {
      server::response busy;
      busy.status = asked % 4 == 0 ? 429 : 503;
      busy.headers.set("Retry-After", "7");
      co_return busy;
    }
    co_return co_await honest(req);
  });
  retry_policy patient;
  patient.max_attempts = 20;
  auto call = s.run(s.request().retries(patient));
  expect_whole(s, *call);
  int windows = 0;
  for (auto& answer : s.network.request_log()) {
    if (!answer.retry_after || !answer.received) continue;
    ++windows;
    for (auto& r : s.network.request_log())
      EXPECT_FALSE(r.asked > *answer.received && r.asked < *answer.received + 7s);
  }
  EXPECT_GT(windows, 1);
}

TEST(D6_requests, a_retry_after_binds_every_download_of_the_origin) {
  scene s(4 * mib);
  s.link.bytes_per_second = mib;
  auto honest = test::serve(s.served);
  s.host.start([honest](server::request& req) -> asio::awaitable<server::response> {
    if (req.path == "/busy") {
      server::response busy;
      busy.status = 503;
      busy.headers.set("Retry-After", "20");
      co_return busy;
    }
    co_return co_await honest(req);
  });
  transfer::download_request other(scene::url(scene::origin, "/busy"));
  s.start(other.to_file("/home/other"));
  s.world.run_for(100ms);
  auto begun = s.world.now();
  auto call = s.run(s.request());
  expect_whole(s, *call);
  for (auto& r : s.network.request_log()) {
    if (r.target == "/data.bin") {
      EXPECT_GE(r.asked, begun + 19s);
    }
  }
}

TEST(D6_requests, are_no_more_than_segments_retries_and_steals) {
  for (std::uint32_t resets : {0U, 200'000U, 600'000U}) {
    scene s(16 * mib);
    s.link.bytes_per_second = mib;
    s.link[network_fault::reset_response] = resets;
    auto call = s.run(s.request().connections(6));
    expect_whole(s, *call);
    auto& r = call->result;
    EXPECT_LE(r.requests, 6 + r.retries + r.steals) << resets;
    EXPECT_EQ(r.requests, s.network.requests_sent());
    EXPECT_EQ(r.retries > 0, resets > 0);
  }
}

// A sink that counts and forgets, so that only the downloader's own memory is seen.
class counting_sink final : public transfer::download_sink {
 public:
  result<void> write(std::span<const std::byte> bytes) override {
    total += bytes.size();
    return {};
  }
  std::uint64_t total = 0;
};

std::size_t peak_of_a_download(std::uint64_t size) {
  scene s(size);
  s.link.min_slice_bytes = s.link.max_slice_bytes = 64 * 1024;
  counting_sink sink;
  test::reset_peak();
  auto before = test::live_bytes();
  auto call = s.run(s.request().to_sink(sink));
  EXPECT_FALSE(call->ec) << call->result.detail;
  EXPECT_EQ(sink.total, size);
  return test::peak_bytes() - before;
}

TEST(D7_memory, does_not_grow_with_the_size) {
  auto small = peak_of_a_download(4 * mib);
  auto large = peak_of_a_download(256 * mib);
  EXPECT_LT(large, 2 * mib);
  EXPECT_LE(large, small + small / 4);
}

class unmarked_end : public ::testing::Test {
 protected:
  unmarked_end() : s(300'000) {
    s.served->ranges = false;
    s.link[network_fault::lie_no_length] = always;
  }
  scene s;
};

TEST_F(unmarked_end, D8_is_kept_as_part_and_reported) {
  auto call = s.run(s.request());
  EXPECT_EQ(call->ec, errc::length_unverified);
  EXPECT_FALSE(s.bytes_of(scene::target));
  auto part = s.bytes_of(std::string(scene::target) + ".part");
  ASSERT_TRUE(part);
  EXPECT_TRUE(*part == s.served->content());
}

TEST_F(unmarked_end, D8_is_taken_when_the_user_accepts_that) {
  auto call = s.run(s.request().accept_unverified());
  expect_whole(s, *call);
}

TEST_F(unmarked_end, D8_is_verified_by_a_digest) {
  auto call = s.run(s.request().checksum(s.digest()));
  expect_whole(s, *call);
}

TEST_F(unmarked_end, D8_a_cut_one_does_not_pass_for_whole) {
  s.link[network_fault::truncate] = always;
  auto call = s.run(s.request());
  EXPECT_EQ(call->ec, errc::length_unverified);
  EXPECT_FALSE(s.bytes_of(scene::target));
}

}  // namespace
}  // namespace tidewire
