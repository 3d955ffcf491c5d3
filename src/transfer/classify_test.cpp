#include "transfer/classify.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace tidewire::transfer {
namespace {

using kind = verdict_kind;

constexpr std::uint64_t size = 1000, held = 400;
constexpr auto cap = std::chrono::hours(1);
constexpr auto modified = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr auto other_day = "Mon, 07 Nov 1994 08:49:37 GMT";

enum class range_of { none, tail, closed, start };
enum class validator { strong, strong_date, changed, weak, missing };
enum class extent {
  right,
  other_start,
  longer,
  shorter,
  other_total,
  unknown_total,
  garbage,
  two,
  absent
};
enum class knows { nothing, strong, strong_date, weak, sizeless };

// One row of the table: a question, what was known when asking it, and an answer.
struct row {
  unsigned status = 206;
  range_of asked = range_of::closed;
  validator carries = validator::strong;
  extent content_range = extent::right;
  knows known = knows::strong;
  bool coded = false, multipart = false, contradiction = false, pinned = false, digest = false;
};

range_query query_of(const row& r) {
  range_query q;
  if (r.asked != range_of::none) q.first = r.asked == range_of::start ? 0 : held;
  if (r.asked == range_of::closed) q.last = 799;
  q.conditional = r.known == knows::strong;
  q.pinned = r.pinned;
  return q;
}

known_state known_of(const row& r) {
  known_state k;
  k.digest_given = r.digest;
  if (r.known == knows::nothing) return k;
  k.held_bytes = held;
  k.identity.emplace();
  if (r.known != knows::sizeless) k.identity->size = size;
  switch (r.known) {
    case knows::strong:
    case knows::sizeless:
      k.identity->etag = http::entity_tag{"\"a\""};
      break;
    case knows::strong_date:
      k.identity->last_modified = modified;
      k.identity->last_modified_strong = true;
      break;
    case knows::weak:
      k.identity->etag = http::entity_tag{"\"a\"", true};
      break;
    case knows::nothing:
      break;
  }
  return k;
}

void add_validator(http::fields& headers, validator v) {
  switch (v) {
    case validator::strong:
      headers.add("ETag", "\"a\"");
      break;
    case validator::strong_date:
      headers.add("Last-Modified", modified);
      headers.add("Date", other_day);
      break;
    case validator::changed:
      headers.add("ETag", "\"b\"");
      break;
    case validator::weak:
      headers.add("ETag", "W/\"a\"");
      break;
    case validator::missing:
      break;
  }
}

std::string range_text(std::uint64_t first, std::uint64_t last, const std::string& total) {
  return "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + total;
}

void add_extent(http::response_head& head, const row& r, const range_query& q) {
  auto first = q.first.value_or(0), last = q.last.value_or(size - 1);
  std::string total = std::to_string(size);
  if (r.content_range == extent::other_start) ++first;
  if (r.content_range == extent::longer) ++last;
  if (r.content_range == extent::shorter) --last;
  if (r.content_range == extent::other_total) total = "1001";
  if (r.content_range == extent::unknown_total) total = "*";
  if (r.content_range == extent::absent) return;
  head.content_length = last - first + 1;
  auto text = r.content_range == extent::garbage ? "bytes 9-3/x" : range_text(first, last, total);
  head.headers.add("Content-Range", text);
  if (r.content_range == extent::two) head.headers.add("Content-Range", text);
}

http::response_head answer_of(const row& r) {
  http::response_head head;
  head.status = r.status;
  if (r.status == 200) head.content_length = r.content_range == extent::other_total ? 1001 : size;
  if (r.status == 206) add_extent(head, r, query_of(r));
  if (r.status == 416 && r.content_range != extent::absent)
    head.headers.add("Content-Range",
                     r.content_range == extent::other_total ? "bytes */1001" : "bytes */1000");
  add_validator(head.headers, r.carries);
  if (r.coded) head.headers.add("Content-Encoding", "gzip");
  if (r.multipart) head.headers.add("Content-Type", "Multipart/ByteRanges; boundary=x");
  if (r.contradiction && head.content_length) ++*head.content_length;
  return head;
}

verdict judge(const row& r) {
  return classify(query_of(r), answer_of(r), known_of(r), {}, cap);
}

void each_row(const std::function<void(const row&)>& visit) {
  constexpr unsigned statuses[] = {200, 204, 206, 301, 302, 304, 307, 308, 401, 403,
                                   404, 408, 410, 412, 416, 425, 429, 500, 501, 503};
  for (auto status : statuses)
    for (auto asked : {range_of::none, range_of::tail, range_of::closed, range_of::start})
      for (auto carries : {validator::strong, validator::strong_date, validator::changed,
                           validator::weak, validator::missing})
        for (int e = 0; e <= static_cast<int>(extent::absent); ++e)
          for (int k = 0; k <= static_cast<int>(knows::sizeless); ++k)
            for (unsigned flags = 0; flags < 32; ++flags) {
              if (::testing::Test::HasFatalFailure()) return;
              visit({status, asked, carries, static_cast<extent>(e), static_cast<knows>(k),
                     (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0,
                     (flags & 16) != 0});
            }
}

std::string describe(const row& r) {
  return "status " + std::to_string(r.status) + " asked " +
         std::to_string(static_cast<int>(r.asked)) + " carries " +
         std::to_string(static_cast<int>(r.carries)) + " extent " +
         std::to_string(static_cast<int>(r.content_range)) + " known " +
         std::to_string(static_cast<int>(r.known)) +
         " coded/multipart/contradiction/pinned/digest " + std::to_string(r.coded) +
         std::to_string(r.multipart) + std::to_string(r.contradiction) + std::to_string(r.pinned) +
         std::to_string(r.digest);
}

// Said once more in the words of the design, apart from the code: a strong validator on both sides
// that is equal, of an answer in no coding, with no other size.
bool proved_same(const row& r) {
  if (r.coded) return false;
  if (r.content_range == extent::other_total && r.known != knows::sizeless) return false;
  if (r.known == knows::strong || r.known == knows::sizeless) return r.carries == validator::strong;
  return r.known == knows::strong_date && r.carries == validator::strong_date;
}

bool proved_changed(const row& r) {
  if (r.content_range == extent::other_total && r.known != knows::sizeless) return true;
  if (r.coded) return true;  // another representation than the plain one that is held
  return r.carries == validator::changed && r.known != knows::strong_date;
}

// What may be joined to held bytes: only what is proved, or what a digest will judge.
bool may_join(const row& r) {
  return proved_same(r) || (r.digest && !r.coded && !proved_changed(r));
}

// The law that aria2, axel, wget2, rclone and curl break (D1).
TEST(classify, bytes_join_held_ones_only_with_a_proof_or_a_digest) {
  std::set<kind> seen;
  each_row([&](const row& r) {
    auto v = judge(r);
    seen.insert(v.kind);
    bool joins = v.kind == kind::proceed || v.kind == kind::whole;
    if (joins) {
      ASSERT_NE(r.known, knows::nothing) << describe(r);
      ASSERT_TRUE(may_join(r)) << describe(r);
    }
    // Bytes at an offset belong to a generation that is known.
    if (v.kind == kind::begin) {
      ASSERT_EQ(v.offset, 0U) << describe(r);
      ASSERT_EQ(r.known, knows::nothing) << describe(r);
    }
  });
  // All of them but `complete`, which the tests of 416 below are about.
  EXPECT_EQ(seen.size(), 10U) << "a kind of verdict that no row of the table leads to";
}

TEST(classify, a_206_is_taken_only_as_asked) {
  each_row([&](const row& r) {
    if (r.status != 206) return;
    auto v = judge(r);
    bool taken = v.kind == kind::begin || v.kind == kind::proceed;
    bool lying = r.content_range == extent::other_start || r.content_range == extent::garbage ||
                 r.content_range == extent::two || r.content_range == extent::absent ||
                 (r.content_range == extent::longer && r.asked == range_of::closed);
    if (r.asked == range_of::none || lying || r.multipart || r.contradiction || r.coded) {
      ASSERT_EQ(v.kind, kind::bad_range) << describe(r);
      return;
    }
    if (!taken) return;
    auto q = query_of(r);
    ASSERT_EQ(v.offset, *q.first) << describe(r);
    ASSERT_TRUE(v.length) << describe(r);
    if (q.last) {
      ASSERT_LE(v.offset + *v.length, *q.last + 1) << describe(r);
    }
    if (auto known = known_of(r); known.identity && known.identity->size) {
      ASSERT_LE(v.offset + *v.length, *known.identity->size) << describe(r);
    }
  });
}

TEST(classify, an_honest_206_of_the_same_generation_is_taken) {
  unsigned taken = 0;
  each_row([&](const row& r) {
    bool honest = r.content_range == extent::right || r.content_range == extent::shorter ||
                  r.content_range == extent::unknown_total;
    if (r.status != 206 || !honest || r.asked == range_of::none) return;
    if (r.coded || r.multipart || r.contradiction || r.known == knows::nothing) return;
    auto expected = may_join(r)         ? kind::proceed
                    : proved_changed(r) ? kind::changed
                                        : kind::unproved;
    ASSERT_EQ(judge(r).kind, expected) << describe(r);
    if (expected == kind::proceed) ++taken;
  });
  EXPECT_GT(taken, 50U);
}

TEST(classify, a_206_can_begin_a_file_at_its_first_byte_alone) {
  row r{.known = knows::nothing};
  EXPECT_EQ(judge(r).kind, kind::bad_range);
  r.asked = range_of::start;
  EXPECT_EQ(judge(r).kind, kind::begin);
  EXPECT_EQ(judge(r).identity.size, size);
}

TEST(classify, a_200_goes_on_begins_or_restarts_but_never_mixes) {
  each_row([&](const row& r) {
    if (r.status != 200) return;
    auto expected = r.known == knows::nothing ? kind::begin
                    : proved_changed(r)       ? kind::changed
                    : may_join(r)             ? kind::whole
                                              : kind::unproved;
    auto v = judge(r);
    // A contradictory length is another size: changed where a size is known.
    if (r.contradiction && r.known != knows::nothing && r.known != knows::sizeless)
      expected = kind::changed;
    // Where validators were, an answer without any is not the server's: asked for again.
    bool provable = r.known != knows::nothing && r.known != knows::weak;
    if (provable && r.carries == validator::missing && expected != kind::whole)
      expected = kind::later;
    ASSERT_EQ(v.kind, expected) << describe(r);
    ASSERT_EQ(v.offset, 0U);
  });
}

TEST(classify, other_statuses_mean_what_the_design_says) {
  each_row([&](const row& r) {
    auto v = judge(r);
    switch (r.status) {
      case 412:
        ASSERT_EQ(v.kind, kind::changed);
        break;
      case 301:
      case 302:
      case 307:
      case 308:
        ASSERT_EQ(v.kind, kind::redirect);
        break;
      case 408:
      case 425:
      case 429:
      case 500:
      case 503:
        ASSERT_EQ(v.kind, kind::later);
        ASSERT_EQ(v.overloaded, r.status == 429 || r.status == 503);
        break;
      case 401:
      case 403:
      case 404:
      case 410:
        ASSERT_EQ(v.kind, r.pinned ? kind::reprobe : kind::refused);
        break;
      case 204:
      case 304:
      case 501:
        ASSERT_EQ(v.kind, kind::refused);
        break;
      default:
        break;
    }
  });
}

struct end_case {
  std::uint64_t first, held, total;
  bool size_known;
  std::string tag, total_text;
  kind expected;
};

// 416 behind the last byte: finish, but only what is known to be this generation's end.
TEST(classify, a_416_completes_only_the_same_generation) {
  const end_case cases[] = {
      {1000, 1000, 1000, true, "\"a\"", "bytes */1000", kind::complete},
      {1000, 1000, 1000, true, "", "bytes */1000", kind::complete},
      {1000, 1000, 1000, true, "\"b\"", "bytes */1000", kind::changed},
      {1000, 1000, 1000, true, "\"a\"", "bytes */1001", kind::changed},
      {1000, 1000, 1000, true, "\"a\"", "bytes */999", kind::changed},
      {400, 400, 1000, true, "\"a\"", "bytes */1000", kind::bad_range},
      {400, 400, 1000, true, "\"a\"", "bytes */400", kind::changed},
      {1000, 400, 1000, true, "\"a\"", "bytes */1000", kind::bad_range},
      {1000, 1000, 1000, true, "\"a\"", "bytes */x", kind::bad_range},
      // The size was unknown: 400 bytes may be a piece, and another resource may have just 400.
      {400, 400, 0, false, "\"a\"", "bytes */400", kind::complete},
      {400, 400, 0, false, "\"b\"", "bytes */400", kind::changed},
      {400, 400, 0, false, "", "bytes */400", kind::unproved},
  };
  for (auto& c : cases) {
    SCOPED_TRACE(c.total_text + " " + c.tag + " held " + std::to_string(c.held));
    range_query q{.first = c.first, .last = std::nullopt};
    known_state k{.identity = resource_identity{}, .held_bytes = c.held};
    if (c.size_known) k.identity->size = c.total;
    k.identity->etag = http::entity_tag{"\"a\""};
    http::response_head head;
    head.status = 416;
    head.headers.add("Content-Range", c.total_text);
    if (!c.tag.empty()) head.headers.add("ETag", c.tag);
    EXPECT_EQ(classify(q, head, k, {}, cap).kind, c.expected);
  }
}

TEST(classify, a_coded_error_page_says_nothing_of_the_resource) {
  row r{.status = 416, .coded = true};
  auto known = known_of(r);
  known.held_bytes = size;
  range_query end{.first = size, .last = std::nullopt};
  EXPECT_EQ(classify(end, answer_of(r), known, {}, cap).kind, kind::complete);
}

TEST(classify, a_206_without_a_total_does_not_reach_behind_the_known_end) {
  row r{.asked = range_of::tail};
  for (auto last : {size - 1, size}) {
    http::response_head head;
    head.status = 206;
    head.headers.add("Content-Range", range_text(held, last, "*"));
    head.headers.add("ETag", "\"a\"");
    auto expected = last < size ? kind::proceed : kind::bad_range;
    EXPECT_EQ(classify(query_of(r), head, known_of(r), {}, cap).kind, expected);
  }
}

TEST(classify, a_416_to_the_first_byte_is_an_empty_resource) {
  http::response_head head;
  head.status = 416;
  head.headers.add("Content-Range", "bytes */0");
  range_query first{.first = 0, .last = std::nullopt};
  EXPECT_EQ(classify(first, head, {}, {}, cap).kind, kind::complete);
  EXPECT_EQ(classify({}, head, {}, {}, cap).kind, kind::refused) << "nothing was asked of it";
}

TEST(classify, retry_after_is_read_and_bounded) {
  http::response_head head;
  head.status = 503;
  EXPECT_FALSE(classify({}, head, {}, {}, cap).retry_after);
  head.headers.set("Retry-After", "7");
  EXPECT_EQ(classify({}, head, {}, {}, cap).retry_after, std::chrono::seconds(7));
  head.headers.set("Retry-After", "1000000000");
  EXPECT_EQ(classify({}, head, {}, {}, cap).retry_after, cap);
  head.headers.set("Retry-After", "soon");
  EXPECT_FALSE(classify({}, head, {}, {}, cap).retry_after);
}

TEST(classify, says_in_words_what_an_answer_proves_and_what_follows) {
  row first{.asked = range_of::start};
  auto begun = classify(query_of(first), answer_of(first), {}, {}, cap);
  ASSERT_EQ(begun.kind, kind::begin);
  EXPECT_EQ(in_words(begun), "206 as asked with a strong entity tag; a new version: taken");
  auto joined = classify(query_of(first), answer_of(first), known_of(first), {}, cap);
  ASSERT_EQ(joined.kind, kind::proceed);
  EXPECT_EQ(in_words(joined),
            "206 as asked with a strong entity tag; the version that is held: joined");
  http::response_head gone;
  gone.status = 404;
  EXPECT_EQ(in_words(classify({}, gone, {}, {}, cap)), "the server answered 404; a final no");
}

// A coded body of one strong tag is no proof: many servers code anew for each answer.
TEST(classify, a_coded_200_replaces_what_is_held) {
  row r{.status = 200, .coded = true};
  for (bool digest : {false, true}) {
    auto known = known_of(r);
    known.identity->coded = true;
    known.digest_given = digest;
    EXPECT_EQ(classify(query_of(r), answer_of(r), known, {}, cap).kind, kind::unproved);
  }
}

}  // namespace
}  // namespace tidewire::transfer
