#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::queue_postgres {

// What PostgreSQL can hold: UTF-8 without NUL. Texts of handlers' exceptions may be anything, and
// one that the server refused would hold up all other settlements for ever.
std::string storable(std::string_view text);

// Empty texts are NULL.
inline std::optional<std::string> or_null(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

inline std::int64_t number(std::uint64_t n) {
  return static_cast<std::int64_t>(n);
}

}  // namespace tidewire::queue_postgres
