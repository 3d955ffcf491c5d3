#pragma once

#include "transfer/byte_ranges.hpp"
#include "transfer/resource_identity.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tidewire::transfer {

// What was asked for, as far as the answer's meaning depends on it.
struct range_query {
  // Nothing: a plain GET. Otherwise bytes=first-last, `last` open when absent.
  std::optional<std::uint64_t> first, last;
  bool conditional = false;  // If-Range was sent
  bool pinned = false;       // sent to where a redirect had led, not to the URL that was given
};

// What is known about the resource when the answer arrives.
struct known_state {
  // The generation whose bytes are in the file; nothing before the first answer.
  std::optional<resource_identity> identity;
  std::uint64_t held_bytes = 0;  // of that generation
  // The user gave a digest: bytes of an unproved generation may be joined, the digest decides.
  bool digest_given = false;
};

enum class verdict_kind {
  begin,      // the first answer, or one of a new generation with nothing held: take it
  proceed,    // bytes of the known generation, from `offset`
  whole,      // 200 of the known generation: one stream from 0, the server does no ranges
  complete,   // 416: all bytes are held already
  changed,    // another generation: truncate and begin anew, never mix
  unproved,   // this answer can't be joined to the bytes held: begin anew in one stream
  bad_range,  // the answer is not the range asked for: give up ranges on this server
  redirect,   // to another place, after `retry_after` if there is one
  reprobe,    // the place a redirect led to refuses now: ask the original again
  later,      // 408, 425, 429, 5xx: try again, after `retry_after`
  refused,    // a final no
};

struct verdict {
  verdict_kind kind;
  std::string reason;            // for people
  resource_identity identity{};  // of the answer, for `begin`, `changed`, `unproved`
  std::uint64_t offset = 0;      // where the body's first byte belongs
  // The body's length in bytes where the head tells.
  std::optional<std::uint64_t> length{};
  std::optional<std::chrono::nanoseconds> retry_after{};
  // The server asked for fewer requests (429, 503).
  bool overloaded = false;
};

// How long nothing may be asked of this origin: Retry-After where it means that (RFC 9110, 10.2.3:
// 429 and 503, what else may be tried again, and redirects). At most `cap`.
std::optional<std::chrono::nanoseconds> retry_after_of(
    const http::response_head& head, std::chrono::system_clock::time_point wall_now,
    std::chrono::nanoseconds cap);

// Decides what an answer means before its first byte is written. Pure; the heart of law D1.
// `wall_now` is for a Retry-After date alone, `max_retry_after` its cap.
verdict classify(const range_query& query, const http::response_head& head,
                 const known_state& known, std::chrono::system_clock::time_point wall_now,
                 std::chrono::nanoseconds max_retry_after);

// A verdict for people: what the answer was, what proves it, and what follows from it.
std::string in_words(const verdict& v);

}  // namespace tidewire::transfer
