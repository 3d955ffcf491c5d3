#include "transfer/resource_identity.hpp"

#include <gtest/gtest.h>

namespace tidewire::transfer {
namespace {

constexpr auto modified = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr auto later_59s = "Sun, 06 Nov 1994 08:50:36 GMT";
constexpr auto later_60s = "Sun, 06 Nov 1994 08:50:37 GMT";
constexpr auto other_day = "Mon, 07 Nov 1994 08:49:37 GMT";

resource_identity of(http::fields headers, std::optional<std::uint64_t> length = 100) {
  http::response_head head;
  head.status = 200;
  head.headers = std::move(headers);
  head.content_length = length;
  return identity_of(head);
}

std::string digest_field(char fill) {
  http::sha256_digest d;
  d.bytes.fill(static_cast<std::byte>(fill));
  return d.field_value();
}

// Law D1 speaks of both directions: what is known may be asked about either way round.
sameness both_ways(const resource_identity& a, const resource_identity& b) {
  EXPECT_EQ(compare(a, b), compare(b, a));
  return compare(a, b);
}

TEST(resource_identity, takes_the_size_from_the_right_place) {
  EXPECT_EQ(of({}, 7).size, 7U);
  http::response_head head;
  head.status = 206;
  head.content_length = 10;
  head.headers.add("Content-Range", "bytes 0-9/1234");
  EXPECT_EQ(identity_of(head).size, 1234U);
  head.headers.set("content-range", "bytes 0-9/*");
  EXPECT_FALSE(identity_of(head).size);
  head.headers.set("content-range", "rubbish");
  EXPECT_FALSE(identity_of(head).size);
  head.headers.erase("content-range");
  EXPECT_FALSE(identity_of(head).size) << "the length of a part is not the size of the whole";
}

TEST(resource_identity, a_strong_tag_proves_and_a_weak_one_does_not) {
  auto strong = of({{"ETag", "\"a\""}});
  EXPECT_TRUE(strong.provable());
  EXPECT_EQ(strong.if_range(), "\"a\"");
  EXPECT_EQ(both_ways(strong, of({{"ETag", "\"a\""}})), sameness::same);
  EXPECT_EQ(both_ways(strong, of({{"ETag", "\"b\""}})), sameness::changed);

  auto weak = of({{"ETag", "W/\"a\""}});
  EXPECT_FALSE(weak.provable());
  EXPECT_EQ(weak.if_range(), "");
  EXPECT_EQ(both_ways(weak, weak), sameness::unknown);
  EXPECT_EQ(both_ways(weak, strong), sameness::unknown);
  EXPECT_EQ(both_ways(weak, of({{"ETag", "W/\"b\""}})), sameness::changed);
}

TEST(resource_identity, a_tag_on_one_side_alone_proves_nothing) {
  auto tagged = of({{"ETag", "\"a\""}, {"Last-Modified", modified}, {"Date", other_day}});
  auto bare = of({{"Last-Modified", modified}, {"Date", other_day}});
  EXPECT_EQ(both_ways(tagged, bare), sameness::unknown);
}

TEST(resource_identity, a_date_is_strong_when_a_minute_old) {
  auto fresh = of({{"Last-Modified", modified}, {"Date", later_59s}});
  EXPECT_FALSE(fresh.last_modified_strong);
  EXPECT_FALSE(fresh.provable());
  EXPECT_EQ(fresh.if_range(), "");
  // Known while it was fresh: it may have been written again within that second.
  auto old = of({{"Last-Modified", modified}, {"Date", later_60s}});
  EXPECT_TRUE(old.last_modified_strong);
  EXPECT_TRUE(old.provable());
  EXPECT_EQ(old.if_range(), modified);
  EXPECT_EQ(compare(fresh, old), sameness::unknown);
  EXPECT_EQ(compare(old, old), sameness::same);
  EXPECT_EQ(both_ways(old, of({{"Last-Modified", other_day}, {"Date", other_day}})),
            sameness::changed);
}

TEST(resource_identity, a_date_without_the_servers_own_proves_nothing) {
  EXPECT_FALSE(of({{"Last-Modified", modified}}).last_modified_strong);
  EXPECT_FALSE(of({{"Last-Modified", modified}, {"Date", "today"}}).last_modified_strong);
  EXPECT_FALSE(of({{"Last-Modified", "then"}, {"Date", other_day}}).last_modified_strong);
  EXPECT_FALSE(of({{"Last-Modified", other_day}, {"Date", modified}}).last_modified_strong)
      << "modified in the future";
}

TEST(resource_identity, a_weak_tag_hides_a_strong_date) {
  auto id = of({{"ETag", "W/\"a\""}, {"Last-Modified", modified}, {"Date", other_day}});
  EXPECT_EQ(id.if_range(), "");
  EXPECT_EQ(compare(id, id), sameness::unknown);
}

TEST(resource_identity, a_digest_of_the_representation_decides) {
  auto a = of({{"Repr-Digest", digest_field('a')}, {"ETag", "\"1\""}});
  auto same = of({{"Repr-Digest", digest_field('a')}, {"ETag", "\"2\""}});
  auto other = of({{"Repr-Digest", digest_field('b')}, {"ETag", "\"1\""}});
  EXPECT_TRUE(of({{"Repr-Digest", digest_field('a')}}).provable());
  EXPECT_EQ(both_ways(a, same), sameness::same);
  EXPECT_EQ(both_ways(a, other), sameness::changed);
}

TEST(resource_identity, another_size_is_another_generation_whatever_the_tag_says) {
  EXPECT_EQ(both_ways(of({{"ETag", "\"a\""}}, 100), of({{"ETag", "\"a\""}}, 101)),
            sameness::changed);
  EXPECT_EQ(both_ways(of({{"ETag", "\"a\""}}, 100), of({{"ETag", "\"a\""}}, std::nullopt)),
            sameness::same);
}

TEST(resource_identity, nothing_proves_nothing) {
  EXPECT_FALSE(of({}).provable());
  EXPECT_EQ(both_ways(of({}), of({})), sameness::unknown);
}

// A coding is applied anew for each answer by many servers, under one tag: it can't be resumed.
TEST(resource_identity, a_coded_answer_is_never_proved_the_same) {
  auto coded = of({{"ETag", "\"a\""}, {"Content-Encoding", "gzip"}});
  EXPECT_TRUE(coded.coded);
  EXPECT_FALSE(coded.provable());
  EXPECT_EQ(both_ways(coded, coded), sameness::unknown);
  EXPECT_EQ(both_ways(coded, of({{"ETag", "\"a\""}})), sameness::changed);
  EXPECT_EQ(both_ways(coded, of({{"ETag", "\"b\""}, {"Content-Encoding", "gzip"}})),
            sameness::changed);
  EXPECT_FALSE(of({{"Content-Encoding", "identity"}}).coded);
  EXPECT_TRUE(of({{"Content-Encoding", "identity, br"}}).coded);
}

}  // namespace
}  // namespace tidewire::transfer
