#include "transfer/classify.hpp"

#include <tidewire/http/content_range.hpp>
#include <tidewire/http/date.hpp>
#include <tidewire/http/redirect.hpp>

#include <string_view>
#include <utility>

namespace tidewire::transfer {
namespace {

verdict bad_range(std::string reason) {
  return {.kind = verdict_kind::bad_range, .reason = std::move(reason)};
}

// Joins an answer that carries bytes to what is held, or says why that can't be.
verdict join(verdict answer, const known_state& known) {
  if (!known.identity) {
    answer.kind = verdict_kind::begin;
    return answer;
  }
  switch (compare(*known.identity, answer.identity)) {
    case sameness::same:
      return answer;
    case sameness::changed:
      answer.kind = verdict_kind::changed;
      answer.reason = "the resource changed on the server";
      return answer;
    case sameness::unknown:
      break;
  }
  if (known.digest_given && !answer.identity.coded) return answer;
  // Nothing held can be mixed: a stream from byte 0 simply replaces the generation.
  answer.kind = verdict_kind::unproved;
  answer.reason = "the answer carries no validator that proves it is the same resource";
  return answer;
}

bool is_multipart(const http::fields& headers) {
  auto type = headers.find("content-type");
  constexpr std::string_view multipart = "multipart/byteranges";
  return type && http::iequals(type->substr(0, multipart.size()), multipart);
}

verdict partial(const range_query& query, const http::response_head& head,
                const known_state& known) {
  if (!query.first) return bad_range("206 to a request without a range");
  if (is_multipart(head.headers)) return bad_range("a multipart answer to a single range");
  if (head.headers.count("content-range") != 1)
    return bad_range("206 without exactly one Content-Range");
  auto range = http::content_range::parse(*head.headers.find("content-range"));
  if (!range || !range->first) return bad_range("206 with a Content-Range that makes no sense");
  if (*range->first != *query.first) return bad_range("206 that starts at another byte");
  if (query.last && *range->last > *query.last) return bad_range("206 that ends behind the range");
  if (!range->total && known.identity && known.identity->size &&
      *range->last >= *known.identity->size)
    return bad_range("206 that ends behind the resource");
  auto length = *range->last - *range->first + 1;
  if (head.content_length && *head.content_length != length)
    return bad_range("206 whose Content-Length contradicts its Content-Range");
  verdict v{.kind = verdict_kind::proceed, .reason = "206 as asked"};
  v.identity = identity_of(head);
  if (v.identity.coded) return bad_range("206 of a coded representation");
  v.offset = *range->first;
  v.length = length;
  v = join(std::move(v), known);
  // An answer from the middle can't begin a file.
  if (v.kind == verdict_kind::begin && v.offset != 0)
    return bad_range("206 from the middle of an unknown resource");
  return v;
}

verdict whole(const http::response_head& head, const known_state& known) {
  verdict v{.kind = verdict_kind::whole, .reason = "200: the whole resource"};
  v.identity = identity_of(head);
  v.length = head.content_length;
  auto& seen = v.identity;
  bool names_nothing = !seen.etag && seen.last_modified.empty() && !seen.digest;
  v = join(std::move(v), known);
  // Somebody in between answers for the server: a log-in page must not become a new generation.
  bool of_the_file = v.kind == verdict_kind::begin || v.kind == verdict_kind::whole;
  if (known.identity && known.identity->provable() && names_nothing && !of_the_file) {
    v.kind = verdict_kind::later;
    v.reason = "a whole answer without the validators that this file had, like a log-in page";
  }
  return v;
}

// 416: what was asked for lies behind the end.
verdict unsatisfied(const range_query& query, const http::response_head& head,
                    const known_state& known) {
  if (!query.first) return {.kind = verdict_kind::refused, .reason = "416 to a plain request"};
  auto seen = identity_of(head);
  // These two describe the error's own body, if anything.
  seen.coded = known.identity && known.identity->coded;
  seen.digest.reset();
  auto same = known.identity ? compare(*known.identity, seen) : sameness::unknown;
  if (same == sameness::changed)
    return {.kind = verdict_kind::changed, .reason = "416: the resource changed on the server"};
  if (!seen.size || *seen.size != known.held_bytes || *query.first != known.held_bytes)
    return bad_range("416 to a range that should exist");
  // Without a size of its own, what is held may be a piece of a generation that is gone, and the
  // one that is there now has that size by chance.
  bool is_all = known.held_bytes == 0 || same == sameness::same || known.digest_given ||
                (known.identity && known.identity->size);
  verdict v{.kind = is_all ? verdict_kind::complete : verdict_kind::unproved,
            .reason = is_all ? "416: nothing is missing" : "416 that proves no generation"};
  v.identity = std::move(seen);
  return v;
}

bool is_transient(unsigned status) {
  if (status == 501 || status == 505) return false;
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

bool asks_for_fewer(unsigned status) {
  return status == 429 || status == 503;
}

std::string_view proof_of(const resource_identity& seen) {
  if (seen.coded) return "a content coding";
  if (seen.etag && !seen.etag->weak) return "a strong entity tag";
  if (seen.digest) return "a digest of the whole";
  if (seen.provable()) return "an old Last-Modified";
  return seen.etag ? "only a weak entity tag" : "no validator";
}

std::string_view consequence_of(verdict_kind kind) {
  switch (kind) {
    case verdict_kind::begin:
      return "a new version: taken";
    case verdict_kind::proceed:
      return "the version that is held: joined";
    case verdict_kind::whole:
      return "the version that is held, but no ranges: one stream";
    case verdict_kind::complete:
      return "all bytes are held";
    case verdict_kind::changed:
      return "another version: not mixed, begun anew";
    case verdict_kind::unproved:
      return "not joined, begun anew";
    case verdict_kind::bad_range:
      return "not taken";
    case verdict_kind::redirect:
      return "followed";
    case verdict_kind::reprobe:
      return "the first address is asked again";
    case verdict_kind::later:
      return "to be tried again";
    case verdict_kind::refused:
      break;
  }
  return "a final no";
}

}  // namespace

std::optional<std::chrono::nanoseconds> retry_after_of(
    const http::response_head& head, std::chrono::system_clock::time_point wall_now,
    std::chrono::nanoseconds cap) {
  if (!http::is_redirect(head.status) && !is_transient(head.status)) return std::nullopt;
  auto text = head.headers.find("retry-after");
  return text ? http::parse_retry_after(*text, wall_now, cap) : std::nullopt;
}

verdict classify(const range_query& query, const http::response_head& head,
                 const known_state& known, std::chrono::system_clock::time_point wall_now,
                 std::chrono::nanoseconds max_retry_after) {
  auto status = head.status;
  if (status == 206) return partial(query, head, known);
  if (status == 200) return whole(head, known);
  if (status == 416) return unsatisfied(query, head, known);
  if (status == 412)
    return {.kind = verdict_kind::changed, .reason = "412: the resource changed on the server"};
  auto reason = "the server answered " + std::to_string(status);
  if (http::is_redirect(status) || is_transient(status)) {
    verdict v{.kind = http::is_redirect(status) ? verdict_kind::redirect : verdict_kind::later,
              .reason = std::move(reason)};
    v.retry_after = retry_after_of(head, wall_now, max_retry_after);
    v.overloaded = asks_for_fewer(status);
    return v;
  }
  if (query.pinned && (status == 401 || status == 403 || status == 410 || status == 404))
    return {.kind = verdict_kind::reprobe, .reason = std::move(reason)};
  return {.kind = verdict_kind::refused, .reason = std::move(reason)};
}

std::string in_words(const verdict& v) {
  bool carries_bytes = v.kind == verdict_kind::begin || v.kind == verdict_kind::proceed ||
                       v.kind == verdict_kind::whole;
  auto text = v.reason;
  if (carries_bytes) text.append(" with ").append(proof_of(v.identity));
  return text.append("; ").append(consequence_of(v.kind));
}

}  // namespace tidewire::transfer
