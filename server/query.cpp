#include "query.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/json_text.hpp>
#include <tidewire/core/utf8.hpp>

#include <algorithm>
#include <charconv>

namespace tidewire::server {
namespace {

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+') c = ' ';
    if (c == '%') {
      unsigned octet = 0;
      auto digits = text.substr(i + 1, 2);
      auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), octet, 16);
      if (digits.size() != 2 || ec != std::errc() || end != digits.data() + 2) return std::nullopt;
      c = static_cast<char>(octet);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

}  // namespace

result<query> query::parse(std::string_view encoded) {
  query out;
  while (!encoded.empty()) {
    auto end = std::min(encoded.find('&'), encoded.size());
    auto pair = encoded.substr(0, end);
    encoded.remove_prefix(std::min(end + 1, encoded.size()));
    if (pair.empty()) continue;
    auto equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals));
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value || !out.all_.emplace(std::move(*name), std::move(*value)).second)
      return make_error_code(errc::invalid_argument);
  }
  return out;
}

std::optional<std::string> query::text(const std::string& name) const {
  auto it = all_.find(name);
  if (it == all_.end()) return std::nullopt;
  return it->second;
}

result<std::uint64_t> query::number(const std::string& name, std::uint64_t otherwise) const {
  auto value = text(name);
  if (!value) return otherwise;
  auto number = json_uint(*value);
  if (!number) return make_error_code(errc::invalid_argument);
  return *number;
}

}  // namespace tidewire::server
