#include "escape.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <vector>

namespace tidewire::cli {
namespace {

struct decoded {
  char32_t code = 0;
  std::size_t length = 0;  // 0: not UTF-8
};

// One character by the table of RFC 3629, 4: no overlong forms, no surrogates.
decoded decode(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t code = lead & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3f);
  }
  bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return {};
  return {code, length};
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

// Bidirectional controls (UAX #9), zero-width and invisible characters, tags.
bool deceives(char32_t c) {
  return c == 0x00ad || c == 0x034f || c == 0x061c || (c >= 0x115f && c <= 0x1160) ||
         (c >= 0x17b4 && c <= 0x17b5) || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0x3164 ||
         c == 0xfeff || c == 0xffa0 || (c >= 0xfff0 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe0fff);
}

std::size_t columns_of(char32_t c) {
  if ((c >= 0x300 && c <= 0x36f) || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x20d0 && c <= 0x20ff))
    return 0;
  bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
              (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
              (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
              (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
              (c >= 0x20000 && c <= 0x3fffd);
  return wide ? 2 : 1;
}

}  // namespace

std::string escape_terminal(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    auto c = decode(text);
    auto length = c.length == 0 ? 1 : c.length;
    if (c.length == 0 || is_control(c.code)) {
      for (auto b : text.substr(0, length))
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(b));
    } else if (deceives(c.code)) {
      out += fmt::format("\\u{{{:04x}}}", static_cast<std::uint32_t>(c.code));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    auto c = decode(text);
    width += c.length == 0 ? 1 : columns_of(c.code);
    text.remove_prefix(c.length == 0 ? 1 : c.length);
  }
  return width;
}

std::string shorten(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns < 4) return std::string(columns, '.');
  struct piece {
    std::string_view bytes;
    std::size_t width;
  };
  std::vector<piece> pieces;
  for (auto rest = text; !rest.empty();) {
    auto c = decode(rest);
    auto length = c.length == 0 ? 1 : c.length;
    pieces.push_back({rest.substr(0, length), c.length == 0 ? 1 : columns_of(c.code)});
    rest.remove_prefix(length);
  }
  auto room = columns - 2;  // for ".."
  std::string head, tail;
  std::size_t used = 0;
  for (auto it = pieces.begin(); it != pieces.end() && used + it->width <= (room + 1) / 2; ++it) {
    head += it->bytes;
    used += it->width;
  }
  for (auto it = pieces.rbegin(); it != pieces.rend() && used + it->width <= room; ++it) {
    tail.insert(0, it->bytes);
    used += it->width;
  }
  return head + ".." + tail;
}

}  // namespace tidewire::cli
