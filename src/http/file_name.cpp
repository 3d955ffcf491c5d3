#include "http/parse.hpp"

#include <tidewire/http/fields.hpp>
#include <tidewire/http/file_name.hpp>

#include <utility>

namespace tidewire::http {
namespace {

using namespace detail;

constexpr std::size_t max_name_bytes = 200;

// The string after an opening quote; nothing when it never closes.
std::optional<std::string> take_quoted(std::string_view& s) {
  std::string out;
  while (!s.empty()) {
    char c = s[0];
    s.remove_prefix(1);
    if (c == '"') return out;
    if (c == '\\') {
      if (s.empty()) return std::nullopt;
      c = s[0];
      s.remove_prefix(1);
    }
    out += c;
  }
  return std::nullopt;
}

// charset'language'percent-encoded (RFC 8187, 3.2); UTF-8 alone.
std::optional<std::string> decode_extended(std::string_view s) {
  auto charset = take_while(s, [](char c) { return c != '\''; });
  if (!iequals(charset, "utf-8") || !take(s, "'")) return std::nullopt;
  take_while(s, [](char c) { return c != '\''; });
  if (!take(s, "'")) return std::nullopt;
  std::string out;
  while (!s.empty()) {
    if (s[0] != '%') {
      out += s[0];
      s.remove_prefix(1);
      continue;
    }
    if (s.size() < 3) return std::nullopt;
    auto high = hex_value(s[1]), low = hex_value(s[2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high << 4 | *low);
    s.remove_prefix(3);
  }
  return out;
}

// A value: a quoted string, or whatever stands before the next semicolon. The latter is wider than
// the grammar's token, since names with spaces and without quotes are common.
std::optional<std::string> take_value(std::string_view& s) {
  s = trim(s);
  if (take(s, "\"")) return take_quoted(s);
  return std::string(trim(take_while(s, [](char c) { return c != ';'; })));
}

// One code point and its bytes off the front; nothing for bytes that are not UTF-8 (RFC 3629).
std::optional<std::pair<char32_t, std::string_view>> take_code_point(std::string_view s) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  auto lead = byte(0);
  std::size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (size == 0 || lead > 0xf4 || s.size() < size) return std::nullopt;
  char32_t point = size == 1 ? lead : lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    point = (point << 6) | (byte(i) & 0x3f);
  }
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < smallest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
    return std::nullopt;
  return std::pair(point, s.substr(0, size));
}

// Control characters (C1 drives terminals too), and the marks that turn the direction of text and
// so make "exe.txt" of "txt.exe".
bool is_unsafe(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x200e || c == 0x200f || c == 0x061c ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

}  // namespace

std::optional<std::string> disposition_file_name(std::string_view text) {
  text = trim(text);
  if (take_while(text, is_token_char).empty()) return std::nullopt;
  std::optional<std::string> plain, extended;
  for (;;) {
    text = trim(text);
    if (text.empty()) break;
    if (!take(text, ";")) return std::nullopt;
    text = trim(text);
    if (text.empty()) break;
    auto name = take_while(text, is_token_char);
    text = trim(text);
    if (name.empty() || !take(text, "=")) return std::nullopt;
    auto value = take_value(text);
    if (!value) return std::nullopt;
    if (iequals(name, "filename") && !plain)
      plain = std::move(value);
    else if (iequals(name, "filename*") && !extended)
      extended = decode_extended(*value);
  }
  return extended ? extended : plain;
}

std::string safe_file_name(std::string_view name) {
  if (auto cut = name.find_last_of("/\\"); cut != std::string_view::npos)
    name.remove_prefix(cut + 1);
  if (auto start = name.find_first_not_of(" ."); start != std::string_view::npos)
    name.remove_prefix(start);
  else
    return {};
  std::string out;
  while (!name.empty()) {
    auto next = take_code_point(name);
    auto bytes = next && !is_unsafe(next->first) ? next->second : std::string_view("_");
    if (out.size() + bytes.size() > max_name_bytes) break;
    out += bytes;
    name.remove_prefix(next ? next->second.size() : 1);
  }
  out.erase(out.find_last_not_of(" .") + 1);
  return out;
}

}  // namespace tidewire::http
