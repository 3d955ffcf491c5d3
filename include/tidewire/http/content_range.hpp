#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidewire::http {

// Content-Range of a 206 ("bytes 0-9/100", total "*" allowed) or of a 416 ("bytes */100")
// (RFC 9110, 14.4).
struct content_range {
  // Both included; absent for the unsatisfied form.
  std::optional<std::uint64_t> first, last;
  std::optional<std::uint64_t> total;

  // Nothing for any other unit, a number above 2^63-1 (no file offset goes there), last < first,
  // last >= total, or trailing text.
  static std::optional<content_range> parse(std::string_view text);
};

}  // namespace tidewire::http
