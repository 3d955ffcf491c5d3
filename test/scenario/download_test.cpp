// What a user of the downloader sees beside its laws: sinks, mirrors, limits, cancellation, places.
#include "scene.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/transfer/download_sink.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
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

constexpr std::uint64_t mib = 1024 * 1024;

class text_sink final : public transfer::download_sink {
 public:
  result<void> write(std::span<const std::byte> bytes) override {
    if (fails_after && text.size() >= *fails_after)
      return boost::system::errc::make_error_code(boost::system::errc::no_buffer_space);
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  bool restart() override {
    if (takes_back) text.clear();
    return takes_back;
  }
  std::string text;
  bool takes_back = false;
  std::optional<std::size_t> fails_after;
};

TEST(download_to_a_sink, brings_every_byte_once_and_in_order_over_broken_connections) {
  scene s(2 * mib);
  s.link.bytes_per_second = mib;
  s.link[network_fault::reset_response] = 700'000;
  retry_policy patient;
  patient.max_attempts = 30;
  text_sink sink;
  auto call = s.run(s.request().to_sink(sink).retries(patient));
  EXPECT_FALSE(call->ec) << call->result.detail;
  EXPECT_GT(call->result.retries, 0U);
  EXPECT_TRUE(sink.text == s.served->content());
  EXPECT_EQ(call->result.path, "");
}

TEST(download_to_a_sink, ends_with_the_sinks_error) {
  scene s(2 * mib);
  text_sink sink;
  sink.fails_after = 100'000;
  auto call = s.run(s.request().to_sink(sink));
  EXPECT_EQ(call->ec, boost::system::errc::no_buffer_space);
}

TEST(download_to_a_sink, that_cannot_take_bytes_back_ends_when_the_resource_changes) {
  for (bool takes_back : {false, true}) {
    scene s(2 * mib);
    s.link.bytes_per_second = mib;
    text_sink sink;
    sink.takes_back = takes_back;
    auto call = s.start(s.request().to_sink(sink));
    s.world.run_for(500ms);
    ASSERT_FALSE(sink.text.empty());
    s.served->generation = 2;
    s.host.start(test::serve(s.served));
    s.run_until_end(*call);
    if (takes_back) {
      EXPECT_FALSE(call->ec) << call->result.detail;
      EXPECT_TRUE(sink.text == s.served->content());
    } else {
      EXPECT_EQ(call->ec, errc::changed);
    }
  }
}

TEST(download_to_a_sink, is_digested_on_the_way) {
  scene s(100'000);
  text_sink sink;
  EXPECT_FALSE(s.run(s.request().to_sink(sink).checksum(s.digest()))->ec);
  auto wrong = s.digest();
  wrong.bytes[5] ^= std::byte{1};
  text_sink other;
  EXPECT_EQ(s.run(s.request().to_sink(other).checksum(wrong))->ec, errc::digest_mismatch);
}

struct mirrored : ::testing::Test {
  mirrored() : s(8 * mib), mirror(s.network.add_host(scene::mirror_origin)) {
    s.link.bytes_per_second = mib;
    mirror.start(test::serve(s.served));
  }
  transfer::download_request request() {
    return s.request().mirror(scene::url(scene::mirror_origin));
  }
  std::set<std::string> origins_asked() const {
    std::set<std::string> all;
    for (auto& r : s.network.request_log()) all.insert(r.origin);
    return all;
  }
  void expect_whole(const test::download_call& call) {
    ASSERT_FALSE(call.ec) << call.result.detail;
    EXPECT_TRUE(s.bytes_of(scene::target) == s.served->content());
  }
  scene s;
  lab::host mirror;
};

TEST_F(mirrored, with_a_digest_all_places_serve_at_once) {
  auto call = s.run(request().checksum(s.digest()));
  expect_whole(*call);
  EXPECT_EQ(origins_asked().size(), 2U);
}

TEST_F(mirrored, without_a_digest_only_one_place_serves) {
  auto call = s.run(request());
  expect_whole(*call);
  EXPECT_EQ(origins_asked(), std::set<std::string>{scene::origin});
}

TEST_F(mirrored, the_next_place_is_tried_when_one_refuses) {
  s.host.start([](server::request&) -> asio::awaitable<server::response> {
    co_return server::problem(404, "Not Found");
  });
  auto call = s.run(request());
  expect_whole(*call);
  EXPECT_EQ(origins_asked().size(), 2U);
}

TEST_F(mirrored, one_that_dies_on_the_way_is_replaced) {
  for (bool digest : {true, false}) {
    auto r = request().overwrite();
    if (digest) r.checksum(s.digest());
    auto call = s.start(r);
    s.world.run_for(300ms);
    s.host.crash();
    s.run_until_end(*call);
    expect_whole(*call);
    s.host.start(test::serve(s.served));
  }
}

// Which of them is wrong shows only when each is asked alone.
TEST_F(mirrored, a_wrong_place_is_found_by_the_digest_and_left_out) {
  for (bool first_is_wrong : {false, true}) {
    auto right = std::make_shared<test::resource>(*s.served);
    auto wrong = std::make_shared<test::resource>(*s.served);
    wrong->generation = 7;
    s.host.start(test::serve(first_is_wrong ? wrong : right));
    mirror.start(test::serve(first_is_wrong ? right : wrong));
    auto call = s.run(request().checksum(s.digest()).overwrite());
    expect_whole(*call);
  }
}

TEST_F(mirrored, that_are_all_wrong_end_as_a_mismatch) {
  auto right = s.digest();
  s.served->generation = 7;
  auto call = s.run(request().checksum(right));
  EXPECT_EQ(call->ec, errc::digest_mismatch);
  EXPECT_FALSE(s.bytes_of(scene::target));
  EXPECT_LE(call->result.received_bytes, 4 * s.served->size);
}

TEST(download_rate, keeps_its_limit_over_all_connections) {
  scene s(5 * mib);
  auto begun = s.world.now();
  auto call = s.run(s.request().rate_limit(mib));
  EXPECT_FALSE(call->ec) << call->result.detail;
  auto took = s.world.now() - begun;
  EXPECT_GT(took, 4700ms);
  EXPECT_LT(took, 6s);
}

TEST(download_rate, a_connection_below_the_lowest_speed_is_replaced) {
  scene s(4 * mib);
  s.link.bytes_per_second = 2 * mib;
  s.link[network_fault::slow] = 400'000;
  auto begun = s.world.now();
  auto call = s.run(s.request().connections(1).lowest_speed(100'000));
  EXPECT_FALSE(call->ec) << call->result.detail;
  // At 2 KiB/s one slow connection alone would need half an hour.
  EXPECT_LT(s.world.now() - begun, 3min);
}

TEST(download_connections, as_many_as_wanted_where_ranges_are_served) {
  scene s(16 * mib);
  s.link.bytes_per_second = mib;
  auto call = s.start(s.request().connections(6));
  s.world.run_for(1s);
  EXPECT_EQ(call->progress.segments.size(), 6U);
  s.run_until_end(*call);
  EXPECT_FALSE(call->ec);
}

TEST(download_connections, one_where_they_are_not) {
  scene s(4 * mib);
  s.served->ranges = false;
  s.link.bytes_per_second = mib;
  auto call = s.run(s.request().connections(6));
  EXPECT_FALSE(call->ec);
  EXPECT_EQ(call->result.requests, 1U);
  EXPECT_EQ(call->count(event::fallback), 1U);
}

TEST(download_connections, adaptive_ones_grow_where_each_brings_more) {
  scene s(64 * mib);
  s.link.bytes_per_second = mib;
  auto call = s.start(s.request().adaptive_connections(16));
  s.world.run_for(300ms);
  EXPECT_EQ(call->progress.segments.size(), 1U);
  s.world.run_for(6s);
  EXPECT_GE(call->progress.segments.size(), 8U);
  s.run_until_end(*call);
  EXPECT_FALSE(call->ec);
}

TEST(download_connections, a_server_that_is_overloaded_gets_half_of_them) {
  scene s(16 * mib);
  s.link.bytes_per_second = mib;
  auto honest = test::serve(s.served);
  int asked = 0;
  s.host.start([&, honest](server::request& req) -> asio::awaitable<server::response> {
    ++asked;
    if (asked > 4 && asked <= 8) {
      server::response busy;
      busy.status = 429;
      co_return busy;
    }
    co_return co_await honest(req);
  });
  std::size_t most_at_the_end = 0;
  auto call = s.start(s.request().connections(8));
  s.world.run_for(200ms);
  while (!call->ended) {
    s.world.run_for(100ms);
    if (call->progress.downloaded_bytes > 8 * mib)
      most_at_the_end = std::max(most_at_the_end, call->progress.segments.size());
  }
  EXPECT_FALSE(call->ec) << call->result.detail;
  EXPECT_LE(most_at_the_end, 4U);
  EXPECT_GE(most_at_the_end, 1U);
}

TEST(download_cancelled, keeps_what_it_has_and_the_next_one_goes_on) {
  scene s(8 * mib);
  s.link.bytes_per_second = mib;
  asio::cancellation_signal cancel;
  std::optional<error_code> ended;
  transfer::download_result result;
  s.network.set_faults(s.link);
  s.downloads().async_download(
      s.request(), asio::bind_cancellation_slot(cancel.slot(), [&](error_code ec, auto r) {
        ended = ec;
        result = std::move(r);
      }));
  s.world.run_for(1s);
  EXPECT_FALSE(ended);
  cancel.emit(asio::cancellation_type::terminal);
  s.world.run_for(1s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, asio::error::operation_aborted);
  EXPECT_EQ(result.path, std::string(scene::target) + ".part");
  auto next = s.run(s.request());
  EXPECT_FALSE(next->ec);
  EXPECT_EQ(next->result.resumed_bytes, result.bytes);
  EXPECT_TRUE(s.bytes_of(scene::target) == s.served->content());
}

TEST(download_events, say_what_was_held_and_what_the_first_answer_proved) {
  using kind = transfer::download_event::kind_type;
  scene s(8 * mib);
  auto first = s.run(s.request());
  ASSERT_GE(first->events.size(), 2U);
  EXPECT_EQ(first->events[0].kind, kind::started);
  EXPECT_EQ(first->events[0].text, "nothing is held yet");
  EXPECT_EQ(first->events[1].kind, kind::verdict);
  EXPECT_EQ(first->events[1].text, "206 as asked with a strong entity tag; a new version: taken");
  EXPECT_EQ(first->count(kind::verdict), 1U) << "further answers like it are no news";
}

TEST(download_cancelled, by_stop_all_end_before_it_completes_and_none_begins_after) {
  scene s(8 * mib);
  s.link.bytes_per_second = mib;
  auto first = s.start(s.request());
  auto second = s.start(s.request().to_file("/home/other"));
  s.world.run_for(500ms);
  bool stopped = false;
  s.downloads().async_stop([&] {
    stopped = true;
    EXPECT_TRUE(first->ended && second->ended);
  });
  s.world.run_for(2s);
  EXPECT_TRUE(stopped);
  EXPECT_EQ(first->ec, asio::error::operation_aborted);
  EXPECT_EQ(s.run(s.request())->ec, tidewire::errc::stopped);
}

TEST(download_target, that_another_download_writes_to_is_busy) {
  scene s(8 * mib);
  s.link.bytes_per_second = mib;
  auto first = s.start(s.request());
  s.world.run_for(500ms);
  EXPECT_EQ(s.run(s.request())->ec, errc::target_busy);
  s.run_until_end(*first);
  EXPECT_FALSE(first->ec);
  EXPECT_EQ(s.run(s.request())->ec, errc::target_exists);
  EXPECT_FALSE(s.run(s.request().overwrite())->ec);
}

TEST(download_target, on_a_disk_without_room_is_told_before_the_first_byte) {
  scene s(8 * mib);
  s.disk.set_quota(4 * mib);
  auto call = s.run(s.request());
  EXPECT_EQ(call->ec, errc::disk_failed);
  EXPECT_EQ(call->result.cause, boost::system::errc::no_space_on_device);
  EXPECT_EQ(call->result.received_bytes, 0U);
}

TEST(download_target, named_by_the_server_in_a_folder) {
  scene s(1000);
  auto honest = test::serve(s.served);
  s.host.start([honest](server::request& req) -> asio::awaitable<server::response> {
    auto out = co_await honest(req);
    out.headers.set("Content-Disposition", "attachment; filename=\"../../etc/cron.d/x\"");
    co_return out;
  });
  auto call = s.run(s.request().to_folder("/home"));
  EXPECT_FALSE(call->ec) << call->result.detail;
  EXPECT_EQ(call->result.path, "/home/x");
}

// As presigned URLs do it: the place that a redirect led to serves for a while only.
TEST(download_redirect, is_pinned_until_it_refuses_and_then_asked_for_again) {
  scene s(8 * mib);
  s.link.bytes_per_second = mib;
  s.link[network_fault::reset_response] = 300'000;
  auto honest = test::serve(s.served);
  int valid = 0, served = 0, redirects = 0;
  s.host.start([&, honest](server::request& req) -> asio::awaitable<server::response> {
    server::response out;
    if (req.path == "/data.bin") {
      ++redirects;
      out.status = 302;
      out.headers.set("Location", "/signed/" + std::to_string(++valid));
      served = 0;
      co_return out;
    }
    if (req.path != "/signed/" + std::to_string(valid) || ++served > 5) {
      out.status = 403;
      co_return out;
    }
    co_return co_await honest(req);
  });
  retry_policy patient;
  patient.max_attempts = 30;
  auto call = s.run(s.request().retries(patient));
  ASSERT_FALSE(call->ec) << call->result.detail;
  EXPECT_TRUE(s.bytes_of(scene::target) == s.served->content());
  EXPECT_GT(redirects, 1);
  EXPECT_EQ(call->result.generation, 1U) << "the same identity: nothing is begun anew";
}

TEST(download_refused, tells_the_status_and_does_not_ask_again) {
  scene s(1000);
  s.host.start([](server::request&) -> asio::awaitable<server::response> {
    co_return server::problem(401, "Unauthorized");
  });
  auto call = s.run(s.request());
  EXPECT_EQ(call->ec, errc::refused);
  EXPECT_EQ(call->result.http_status, 401U);
  EXPECT_EQ(call->result.requests, 1U);
}

TEST(download_network, that_stays_dead_is_an_error_in_the_end) {
  scene s(1000);
  s.host.crash();
  auto begun = s.world.now();
  auto call = s.run(s.request());
  EXPECT_EQ(call->ec, errc::network_exhausted);
  EXPECT_EQ(call->result.requests, 4U) << "one and three retries";
  EXPECT_LT(s.world.now() - begun, 1min);
}

TEST(download_network, that_comes_back_is_used_again) {
  scene s(4 * mib);
  s.link.bytes_per_second = mib;
  retry_policy patient;
  patient.max_attempts = 20;
  auto call = s.start(s.request().retries(patient));
  s.world.run_for(400ms);
  s.host.crash();
  s.world.run_for(20s);
  ASSERT_FALSE(call->ended);
  EXPECT_EQ(call->progress.phase, transfer::download_phase::waiting);
  s.host.start(test::serve(s.served));
  s.run_until_end(*call);
  EXPECT_FALSE(call->ec) << call->result.detail;
  EXPECT_TRUE(s.bytes_of(scene::target) == s.served->content());
}

}  // namespace
}  // namespace tidewire
