#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/core/utf8.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tidewire::server {

// A request target (RFC 9112, 3.2) in parts.
struct request_target {
  std::string path;       // decoded, absolute
  std::string query;      // encoded, without "?"
  std::string authority;  // of the absolute form; empty for the origin form
};

inline constexpr std::size_t max_target_bytes = 8 * 1024;

// Splits and decodes a target. Refused, with errc::invalid_argument, rather than guessed at: "."
// and
// ".." segments in any spelling, encoded slashes, control characters, a "%" without two digits,
// octets that are not UTF-8 (overlong forms too), fragments. A path that was refused can't be read
// differently by two parts of the program. errc::limit_exceeded beyond max_target_bytes.
result<request_target> parse_target(std::string_view target);

using tidewire::is_utf8;

}  // namespace tidewire::server
