#include "transfer/download_journal.hpp"

#include <tidewire/core/rng.hpp>

#include <gtest/gtest.h>

namespace tidewire::transfer {
namespace {

download_origin some_origin() {
  download_origin o;
  o.source = "http://example.test:80/a?b=\"c\"";
  o.location = "https://cdn.example.test:443/a";
  o.identity.size = (std::uint64_t{1} << 62) + 1;
  o.identity.etag = http::entity_tag{"\"x\xe9\xffy\"", false};
  o.identity.last_modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  o.identity.last_modified_strong = true;
  o.identity.digest.emplace();
  o.identity.digest->bytes.fill(std::byte{0xab});
  return o;
}

file::journal_record record(journal_type type, std::span<const std::byte> payload) {
  return {static_cast<std::uint8_t>(type), payload};
}

bool apply(journal_state& state, journal_type type, const std::vector<std::byte>& payload) {
  return state.apply(record(type, payload));
}

bool apply(journal_state& state, journal_type type, std::vector<byte_range> ranges) {
  return apply(state, type, encode_ranges(ranges));
}

TEST(download_journal, an_origin_survives_the_round_trip) {
  auto full = some_origin();
  auto bare = download_origin{"http://a/", "", {}};
  auto weak = bare;
  weak.identity.etag = http::entity_tag{"\"w\"", true};
  weak.identity.coded = true;
  for (auto& origin : {full, bare, weak}) {
    journal_state state;
    ASSERT_TRUE(apply(state, journal_type::origin, encode_origin(origin)));
    EXPECT_EQ(state.origin()->source, origin.source);
    EXPECT_EQ(state.origin()->location, origin.location);
    EXPECT_EQ(state.origin()->identity, origin.identity);
  }
}

TEST(download_journal, claims_add_up) {
  journal_state state;
  ASSERT_TRUE(apply(state, journal_type::boot, encode_text("boot-1")));
  ASSERT_TRUE(apply(state, journal_type::origin, encode_origin(some_origin())));
  ASSERT_TRUE(apply(state, journal_type::written, {{0, 10}}));
  ASSERT_TRUE(apply(state, journal_type::durable, {{0, 5}, {20, 30}}));
  ASSERT_TRUE(
      apply(state, journal_type::written, {{5, 12}, {~std::uint64_t{0} - 1, ~std::uint64_t{0}}}));
  EXPECT_EQ(state.durable().ranges(), (std::vector<byte_range>{{0, 5}, {20, 30}}));
  EXPECT_EQ(state.held("boot-1").prefix(), 12U);
  EXPECT_EQ(state.held("boot-2"), state.durable()) << "the machine restarted: written is void";
  EXPECT_EQ(state.held(""), state.durable());
  EXPECT_FALSE(state.complete());
  ASSERT_TRUE(apply(state, journal_type::complete, std::vector<std::byte>()));
  EXPECT_TRUE(state.complete());
}

TEST(download_journal, another_boot_voids_what_was_only_written) {
  journal_state state;
  ASSERT_TRUE(apply(state, journal_type::boot, encode_text("boot-1")));
  ASSERT_TRUE(apply(state, journal_type::origin, encode_origin(some_origin())));
  ASSERT_TRUE(apply(state, journal_type::written, {{0, 10}}));
  ASSERT_TRUE(apply(state, journal_type::durable, {{50, 60}}));
  ASSERT_TRUE(apply(state, journal_type::boot, encode_text("boot-2")));
  ASSERT_TRUE(apply(state, journal_type::written, {{70, 80}}));
  EXPECT_EQ(state.held("boot-2").ranges(), (std::vector<byte_range>{{50, 60}, {70, 80}}));
  EXPECT_EQ(state.held("boot-1").ranges(), (std::vector<byte_range>{{50, 60}}));
}

// One journal, one generation: the claims of two must never meet (D1).
TEST(download_journal, refuses_a_second_origin) {
  journal_state state;
  ASSERT_TRUE(apply(state, journal_type::origin, encode_origin(some_origin())));
  EXPECT_FALSE(apply(state, journal_type::origin, encode_origin(some_origin())));
}

TEST(download_journal, refuses_claims_about_nothing_and_nonsense) {
  journal_state state;
  EXPECT_FALSE(apply(state, journal_type::written, {{0, 10}})) << "bytes of which generation?";
  EXPECT_FALSE(apply(state, journal_type::durable, {{0, 10}}));
  EXPECT_FALSE(apply(state, journal_type::origin, encode_text("[]")));
  EXPECT_FALSE(apply(state, journal_type::origin, encode_text("{\"source\":1}")));
  ASSERT_TRUE(apply(state, journal_type::origin, encode_origin(some_origin())));
  EXPECT_FALSE(apply(state, journal_type::written, {{10, 10}}));
  EXPECT_FALSE(apply(state, journal_type::written, {{10, 5}}));
  EXPECT_FALSE(apply(state, journal_type::durable, std::vector<std::byte>()));
  EXPECT_FALSE(apply(state, journal_type::durable, std::vector<std::byte>(17)));
  EXPECT_FALSE(apply(state, static_cast<journal_type>(0), std::vector<std::byte>()));
  EXPECT_FALSE(apply(state, static_cast<journal_type>(6), std::vector<std::byte>()));
  EXPECT_TRUE(state.held("").empty());
}

TEST(download_journal, the_largest_record_fits_a_frame) {
  std::vector<byte_range> ranges(max_ranges_in_record, {1, 2});
  EXPECT_LE(encode_ranges(ranges).size(), file::journal_writer::max_payload_bytes);
}

TEST(download_journal, random_records_never_lead_to_claims_without_an_origin) {
  auto origin = encode_origin(some_origin());
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    rng random(seed);
    journal_state state;
    bool claimed = false;
    for (int i = 0; i < 12; ++i) {
      std::vector<std::byte> payload(static_cast<std::size_t>(random.between(0, 64)));
      for (auto& b : payload) b = static_cast<std::byte>(random());
      // Half of them almost right: a valid origin with some bytes changed.
      if (random.chance_ppm(500'000)) {
        payload = origin;
        for (auto n = random.between(0, 3); n > 0; --n)
          payload[random() % payload.size()] = static_cast<std::byte>(random());
      }
      auto type = static_cast<journal_type>(random.between(0, 7));
      bool had_origin = state.origin().has_value();
      bool taken = apply(state, type, payload);
      if (type == journal_type::written || type == journal_type::durable) {
        ASSERT_TRUE(had_origin || !taken);
        claimed = claimed || taken;
      }
      if (!claimed) {
        ASSERT_TRUE(state.held("").empty());
      }
    }
  }
}

}  // namespace
}  // namespace tidewire::transfer
