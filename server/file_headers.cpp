#include "file_headers.hpp"

#include <tidewire/http/fields.hpp>
#include <tidewire/server/target.hpp>

#include <algorithm>
#include <cstdio>

namespace tidewire::server {
namespace {

bool is_control(char c) {
  auto octet = static_cast<unsigned char>(c);
  return octet < 0x20 || octet == 0x7f;
}

// attr-char of RFC 8187, 3.2.1
bool is_attr_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view("!#$&+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

bool is_servable_name(std::string_view name) {
  constexpr std::size_t max_name_bytes = 255;
  if (name.empty() || name.size() > max_name_bytes || name.front() == '.') return false;
  if (name.find_first_of("/\\") != name.npos || !is_utf8(name)) return false;
  return std::none_of(name.begin(), name.end(), is_control);
}

validators validators_of(const file::status& file, std::chrono::system_clock::time_point now,
                         std::chrono::nanoseconds settle) {
  auto age = now - file.modified;
  // A time in the future is as good as an old one, once it is far enough: the next write shows.
  if (age < settle && -age < settle) return {};
  char text[64];
  std::snprintf(text, sizeof text, "\"%llx-%llx-%llx\"",
                static_cast<unsigned long long>(file.inode),
                static_cast<unsigned long long>(file.size),
                static_cast<unsigned long long>(file.modified.time_since_epoch().count()));
  validators out;
  out.tag = http::entity_tag{text, false};
  // RFC 9110, 8.8.2.1: not later than the message's own date.
  if (age >= settle) out.modified = std::chrono::floor<std::chrono::seconds>(file.modified);
  return out;
}

std::string attachment(std::string_view name) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string plain, encoded;
  for (char c : name) {
    auto octet = static_cast<unsigned char>(c);
    bool quotable = octet < 0x80 && !is_control(c) && c != '"' && c != '\\' && c != '%';
    plain.push_back(quotable ? c : '_');
    if (is_attr_char(c))
      encoded.push_back(c);
    else
      encoded.append({'%', digits[octet >> 4], digits[octet & 15]});
  }
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + encoded;
}

std::string content_range_text(const byte_range& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
         std::to_string(size);
}

}  // namespace tidewire::server
