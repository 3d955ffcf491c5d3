#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire::http {

// An entity tag (RFC 9110, 8.8.3).
struct entity_tag {
  std::string opaque;  // with its quotes
  bool weak = false;

  static std::optional<entity_tag> parse(std::string_view text);
  // The value of If-Match or If-None-Match; nothing when malformed. "*" is the caller's business.
  static std::optional<std::vector<entity_tag>> parse_list(std::string_view text);

  std::string text() const { return weak ? "W/" + opaque : opaque; }
  friend bool operator==(const entity_tag&, const entity_tag&) = default;
};

// RFC 9110, 8.8.3.2: strong comparison never matches a weak tag.
bool strong_match(const entity_tag& a, const entity_tag& b);
bool weak_match(const entity_tag& a, const entity_tag& b);

}  // namespace tidewire::http
