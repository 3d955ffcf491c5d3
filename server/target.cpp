#include <tidewire/core/error.hpp>
#include <tidewire/http/fields.hpp>
#include <tidewire/server/target.hpp>

#include <cstdint>
#include <optional>

namespace tidewire::server {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// The octet that an escape at `at` stands for.
std::optional<char> escaped_octet(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size()) return std::nullopt;
  auto high = hex_digit(text[at + 1]);
  auto low = hex_digit(text[at + 2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high << 4 | *low);
}

bool is_control(char c) {
  auto octet = static_cast<unsigned char>(c);
  return octet < 0x20 || octet == 0x7f;
}

// A target is printable ASCII; everything else comes escaped.
bool is_visible_ascii(std::string_view text) {
  for (char c : text)
    if (is_control(c) || c == ' ' || static_cast<unsigned char>(c) > 0x7f) return false;
  return true;
}

std::optional<std::string> decode_path(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      auto octet = escaped_octet(path, i);
      // An escaped slash would make one segment into two, for those who decode first.
      if (!octet || *octet == '/' || is_control(*octet)) return std::nullopt;
      c = *octet;
      i += 2;
    }
    out.push_back(c);
  }
  return out;
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    auto end = std::min(path.find('/'), path.size());
    auto segment = path.substr(0, end);
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(end);
  }
  return false;
}

// Cuts "http://authority" off. False when it is neither origin form nor absolute form.
bool take_authority(std::string_view& target, std::string& authority) {
  if (target.starts_with('/')) return true;
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!http::iequals(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    auto end = std::min(target.find_first_of("/?"), target.size());
    authority = target.substr(0, end);
    target.remove_prefix(end);
    return !authority.empty() && authority.find('@') == std::string::npos;
  }
  return false;
}

}  // namespace

result<request_target> parse_target(std::string_view target) {
  if (target.size() > max_target_bytes) return make_error_code(errc::limit_exceeded);
  auto malformed = make_error_code(errc::invalid_argument);
  request_target out;
  if (!is_visible_ascii(target) || target.find('#') != target.npos) return malformed;
  if (!take_authority(target, out.authority)) return malformed;
  auto query = std::min(target.find('?'), target.size());
  if (query < target.size()) out.query = target.substr(query + 1);
  auto path = target.substr(0, query);
  if (path.empty()) path = "/";
  auto decoded = decode_path(path);
  if (!decoded || has_dot_segment(*decoded) || !is_utf8(*decoded)) return malformed;
  out.path = std::move(*decoded);
  return out;
}

}  // namespace tidewire::server
