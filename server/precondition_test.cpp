#include <tidewire/http/date.hpp>
#include <tidewire/server/precondition.hpp>

#include <gtest/gtest.h>

namespace tidewire::server {
namespace {

constexpr auto same = "Tue, 15 Nov 1994 12:45:26 GMT";
constexpr auto before = "Tue, 15 Nov 1994 12:45:25 GMT";
constexpr auto after = "Tue, 15 Nov 1994 12:45:27 GMT";

validators current() {
  return {http::entity_tag{"\"v1\"", false}, http::parse_date(same)};
}

struct row {
  const char* method;
  http::fields headers;
  precondition expected;
};

TEST(preconditions, follow_the_order_of_rfc_9110) {
  using p = precondition;
  const row rows[] = {
      {"GET", {}, p::proceed},
      {"GET", {{"If-Match", "\"v1\""}}, p::proceed},
      {"GET", {{"If-Match", "*"}}, p::proceed},
      {"GET", {{"If-Match", "\"v0\", \"v1\""}}, p::proceed},
      {"GET", {{"If-Match", "\"v0\""}, {"If-Match", "\"v1\""}}, p::proceed},
      {"GET", {{"If-Match", "\"v2\""}}, p::failed},
      {"GET", {{"If-Match", "W/\"v1\""}}, p::failed},  // strong comparison
      {"GET", {{"If-Match", "v1"}}, p::failed},        // malformed
      {"GET", {{"If-Unmodified-Since", same}}, p::proceed},
      {"GET", {{"If-Unmodified-Since", before}}, p::failed},
      {"GET", {{"If-Unmodified-Since", "yesterday"}}, p::proceed},
      // If-Match makes If-Unmodified-Since void
      {"GET", {{"If-Match", "\"v1\""}, {"If-Unmodified-Since", before}}, p::proceed},
      {"GET", {{"If-None-Match", "\"v1\""}}, p::not_modified},
      {"HEAD", {{"If-None-Match", "W/\"v1\""}}, p::not_modified},  // weak comparison
      {"PUT", {{"If-None-Match", "*"}}, p::failed},
      {"GET", {{"If-None-Match", "*"}}, p::not_modified},
      {"GET", {{"If-None-Match", "\"v2\""}}, p::proceed},
      {"GET", {{"If-None-Match", "v1"}}, p::proceed},
      {"GET", {{"If-Modified-Since", same}}, p::not_modified},
      {"GET", {{"If-Modified-Since", after}}, p::not_modified},
      {"GET", {{"If-Modified-Since", before}}, p::proceed},
      {"PUT", {{"If-Modified-Since", same}}, p::proceed},
      {"GET", {{"If-Modified-Since", same}, {"If-Modified-Since", same}}, p::proceed},
      // If-None-Match makes If-Modified-Since void
      {"GET", {{"If-None-Match", "\"v2\""}, {"If-Modified-Since", same}}, p::proceed},
      // the first group fails before the second is looked at
      {"GET", {{"If-Match", "\"v2\""}, {"If-None-Match", "\"v1\""}}, p::failed},
      {"GET", {{"If-Match", "\"v1\""}, {"If-None-Match", "\"v1\""}}, p::not_modified},
  };
  int n = 0;
  for (const auto& r : rows) {
    EXPECT_EQ(evaluate_preconditions(r.method, r.headers, current()), r.expected) << "row " << n;
    ++n;
  }
}

TEST(preconditions, without_validators_nothing_matches_but_the_star) {
  validators none;
  auto ask = [&](http::fields h) { return evaluate_preconditions("GET", h, none); };
  EXPECT_EQ(ask({{"If-Match", "\"v1\""}}), precondition::failed);
  EXPECT_EQ(ask({{"If-Match", "*"}}), precondition::proceed);
  EXPECT_EQ(ask({{"If-None-Match", "\"v1\""}}), precondition::proceed);
  EXPECT_EQ(ask({{"If-Modified-Since", same}}), precondition::proceed);
  EXPECT_EQ(ask({{"If-Unmodified-Since", before}}), precondition::proceed);
}

TEST(range_applies, only_for_the_named_representation) {
  auto ask = [](http::fields h) { return range_applies(h, current()); };
  EXPECT_TRUE(ask({}));
  EXPECT_TRUE(ask({{"If-Range", "\"v1\""}}));
  EXPECT_FALSE(ask({{"If-Range", "W/\"v1\""}}));
  EXPECT_FALSE(ask({{"If-Range", "\"v2\""}}));
  EXPECT_TRUE(ask({{"If-Range", same}}));
  EXPECT_FALSE(ask({{"If-Range", before}}));
  EXPECT_FALSE(ask({{"If-Range", after}}));  // exact, not "since"
  EXPECT_FALSE(ask({{"If-Range", "nonsense"}}));
  EXPECT_FALSE(ask({{"If-Range", "\"v1\""}, {"If-Range", "\"v1\""}}));
  http::fields dated{{"If-Range", same}};
  EXPECT_FALSE(range_applies(dated, {}));
}

}  // namespace
}  // namespace tidewire::server
