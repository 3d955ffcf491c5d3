#pragma once

#include <tidewire/http/fields.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::server {

// Why a request gets no handler: a status and a word for people and metrics. The connection closes.
struct refusal {
  unsigned status;
  const char* reason;
};

inline constexpr std::size_t max_header_fields = 100;

// Looks for the end of a request's head in what has arrived so far, before any parser sees it, and
// refuses what lenient parsers read in two ways: line folding, bare CR or LF, NUL, blanks before
// the colon. `checked` remembers across calls how far the bytes are known to be good.
struct head_scan {
  std::size_t checked = 0;

  struct outcome {
    std::optional<std::size_t> length;  // of the head with its empty line, once it is whole
    std::optional<refusal> bad;
  };
  outcome feed(std::string_view bytes);
};

// How the body of a request is delimited, and whether the head is sound.
struct framing {
  bool chunked = false;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool expects_continue = false;
  bool has_body() const { return chunked || content_length > 0; }
};

// Decides about the whole head (RFC 9112, 3.2, 6.1-6.3, 9.3; RFC 9110, 10.1.1). `version` is 10 or
// 11; `authority` that of an absolute-form target, or empty.
std::optional<refusal> check_head(unsigned version, const http::fields& headers,
                                  std::string_view authority, std::uint64_t max_body_bytes,
                                  framing& out);

}  // namespace tidewire::server
