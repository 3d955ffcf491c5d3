#include "http/parse.hpp"

#include <tidewire/http/entity_tag.hpp>

namespace tidewire::http {
namespace {

using namespace detail;

bool is_tag_char(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

std::optional<entity_tag> take_tag(std::string_view& s) {
  entity_tag out;
  out.weak = take(s, "W/");
  auto start = s;
  if (!take(s, "\"")) return std::nullopt;
  auto inner = take_while(s, is_tag_char);
  if (!take(s, "\"")) return std::nullopt;
  out.opaque = start.substr(0, inner.size() + 2);
  return out;
}

void skip_space(std::string_view& s) {
  take_while(s, [](char c) { return c == ' ' || c == '\t'; });
}

}  // namespace

std::optional<entity_tag> entity_tag::parse(std::string_view text) {
  auto out = take_tag(text);
  if (!text.empty()) return std::nullopt;
  return out;
}

std::optional<std::vector<entity_tag>> entity_tag::parse_list(std::string_view text) {
  std::vector<entity_tag> out;
  for (;;) {
    skip_space(text);
    if (text.empty()) break;
    if (take(text, ",")) continue;  // an empty element, which RFC 9110, 5.6.1.2 allows
    auto tag = take_tag(text);
    if (!tag) return std::nullopt;
    out.push_back(std::move(*tag));
    skip_space(text);
    if (!text.empty() && !take(text, ",")) return std::nullopt;
  }
  if (out.empty()) return std::nullopt;
  return out;
}

bool strong_match(const entity_tag& a, const entity_tag& b) {
  return !a.weak && !b.weak && a.opaque == b.opaque;
}

bool weak_match(const entity_tag& a, const entity_tag& b) {
  return a.opaque == b.opaque;
}

}  // namespace tidewire::http
