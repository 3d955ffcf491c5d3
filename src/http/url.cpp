#include "http/parse.hpp"

#include <tidewire/http/error.hpp>
#include <tidewire/http/fields.hpp>
#include <tidewire/http/url.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

// Our own reader rather than Boost.URL: that of 1.81 takes "http://h:-1/" and "http://a@b@c/" for
// good, reading what follows the host as a path without a slash, and resolves "../../../g" to
// "/../g". Both sides of a redirect must see the same host.
namespace tidewire::http {
namespace {

using namespace detail;

constexpr std::size_t max_url_bytes = 16 * 1024;
constexpr std::size_t max_host_bytes = 255;

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

// Of text that the parser has accepted: every "%" has its two digits.
std::string decode(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '%' && i + 2 < s.size()) {
      out +=
          static_cast<char>(hex_value(s[i + 1]).value_or(0) << 4 | hex_value(s[i + 2]).value_or(0));
      i += 2;
    } else {
      out += s[i];
    }
  }
  return out;
}

std::string lower(std::string_view s) {
  std::string out(s);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool all_of(std::string_view s, bool (*accept)(char)) {
  return std::all_of(s.begin(), s.end(), accept);
}

// "Unreserved" and "sub-delims" of RFC 3986, appendix A.
bool is_plain(char c) {
  return is_alpha(c) || is_digit(c) ||
         std::string_view("-._~!$&'()*+,;=").find(c) != std::string_view::npos;
}

// Plain characters, those of `also`, and complete escapes.
bool is_encoded(std::string_view s, std::string_view also) {
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '%') {
      if (i + 2 >= s.size() || !hex_value(s[i + 1]) || !hex_value(s[i + 2])) return false;
      i += 2;
    } else if (!is_plain(s[i]) && also.find(s[i]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool is_scheme(std::string_view s) {
  return !s.empty() && is_alpha(s[0]) && all_of(s, [](char c) {
    return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

bool is_ipv6(std::string_view s) {
  in6_addr ignored;
  return inet_pton(AF_INET6, std::string(s).c_str(), &ignored) == 1 &&
         s.find('\0') == std::string_view::npos;
}

// RFC 3986 lets a name hold escapes and punctuation; the name system does not, and what resolver
// and server would make of them is anybody's guess.
bool is_host_name(std::string_view s) {
  return !s.empty() && s.size() <= max_host_bytes && all_of(s, [](char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
  });
}

// Takes the host off the front of what follows the userinfo; empty when it is none.
std::string_view take_host(std::string_view& s) {
  auto size = std::min(s.find(s.starts_with('[') ? ']' : ':'), s.size());
  if (s.starts_with('[')) {
    if (size == s.size() || !is_ipv6(s.substr(1, size - 1))) return {};
    ++size;
  } else if (!is_host_name(s.substr(0, size))) {
    return {};
  }
  auto out = s.substr(0, size);
  s.remove_prefix(size);
  return out;
}

// What follows the host: nothing, ":", or ":port".
std::optional<std::uint16_t> parse_port(std::string_view s, std::uint16_t none_given) {
  if (s.empty() || s == ":") return none_given;
  if (!take(s, ":")) return std::nullopt;
  auto number = parse_number(s, 65535);
  if (!number || *number == 0) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

std::string hex_escape(char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  auto byte = static_cast<unsigned char>(c);
  return {'%', digits[byte >> 4], digits[byte & 15]};
}

// A colon before any slash: the reference has a scheme of its own (RFC 3986, 4.2).
bool is_absolute(std::string_view reference) {
  auto first = reference.find_first_of(":/?#");
  return first != std::string_view::npos && reference[first] == ':';
}

// Servers send Location with raw spaces, brackets and UTF-8; they are escaped here, as every
// browser does. Control characters stay, and are refused by the parser; so does the authority.
std::string escape_reference(std::string_view s) {
  std::size_t path = 0;
  if (is_absolute(s)) path = s.find(':') + 1;
  if (s.substr(path).starts_with("//")) path = std::min(s.find_first_of("/?#", path + 2), s.size());
  std::string out(s.substr(0, path));
  for (char c : s.substr(path)) {
    if (static_cast<unsigned char>(c) >= 0x80 ||
        std::string_view(" \"<>[]\\^`{|}").find(c) != std::string_view::npos)
      out += hex_escape(c);
    else
      out += c;
  }
  return out;
}

// RFC 3986, 5.2.4, of a path that starts with a slash.
std::string remove_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    auto end = std::min(path.find('/', 1), path.size());
    auto segment = path.substr(0, end);  // with its slash in front
    path.remove_prefix(end);
    if (segment != "/." && segment != "/..") {
      out += segment;
      continue;
    }
    if (segment == "/..") out.erase(std::min(out.rfind('/'), out.size()));
    if (path.empty()) out += '/';
  }
  return out;
}

}  // namespace

result<url> url::parse(std::string_view text) {
  auto bad = make_error_code(errc::bad_url);
  if (text.size() > max_url_bytes) return bad;
  auto colon = text.find(':');
  if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon))) return bad;
  url out;
  out.scheme_ = lower(text.substr(0, colon));
  if (out.scheme_ != "http" && out.scheme_ != "https")
    return make_error_code(errc::unsupported_scheme);
  text.remove_prefix(colon + 1);

  if (auto hash = text.find('#'); hash != std::string_view::npos) {
    if (!is_encoded(text.substr(hash + 1), ":@/?")) return bad;
    text = text.substr(0, hash);
  }
  if (!take(text, "//")) return bad;
  auto rest = text.substr(std::min(text.find_first_of("/?"), text.size()));
  text.remove_suffix(rest.size());

  if (auto at = text.find('@'); at != std::string_view::npos) {
    out.userinfo_ = text.substr(0, at);
    // An escaped control character would cut the password short, or split a header, further on.
    auto decoded = decode(out.userinfo_);
    if (!is_encoded(out.userinfo_, ":") || std::any_of(decoded.begin(), decoded.end(), is_control))
      return bad;
    text.remove_prefix(at + 1);
  }
  out.host_ = lower(take_host(text));
  auto port = parse_port(text, default_port(out.scheme_));
  if (out.host_.empty() || !port) return bad;
  out.port_ = *port;

  auto query = std::min(rest.find('?'), rest.size());
  if (!is_encoded(rest.substr(0, query), ":@/") || !is_encoded(rest.substr(query), ":@/?"))
    return bad;
  if (query == 0) out.target_ = "/";
  out.target_ += rest;
  return out;
}

result<url> url::resolve(std::string_view reference) const {
  if (reference.size() > max_url_bytes) return make_error_code(errc::bad_url);
  auto ref = escape_reference(reference);
  auto base = text();
  auto path_at = base.size() - target_.size();
  auto path = std::string_view(target_).substr(0, target_.find('?'));
  std::string joined;
  if (is_absolute(ref)) {
    joined = ref;
  } else if (ref.starts_with("//")) {
    joined = scheme_ + ":" + ref;
  } else {
    joined = base.substr(0, path_at);
    if (ref.empty() || ref[0] == '#')
      joined.append(target_).append(ref);
    else if (ref[0] == '?')
      joined.append(path).append(ref);
    else if (ref[0] == '/')
      joined.append(ref);
    else
      joined.append(path.substr(0, path.rfind('/') + 1)).append(ref);
  }
  auto out = parse(joined);
  if (!out) return out;
  auto query = std::min(out->target_.find('?'), out->target_.size());
  out->target_ = remove_dot_segments(out->target_.substr(0, query)) + out->target_.substr(query);
  return out;
}

result<url> url::with_parameter(std::string_view name, std::string_view value) const {
  auto out = *this;
  out.target_ += target_.find('?') == std::string::npos ? '?' : '&';
  out.target_.append(percent_encode(name)).append("=").append(percent_encode(value));
  if (out.text().size() > max_url_bytes) return make_error_code(errc::bad_url);
  return out;
}

std::string url::file_name() const {
  std::string_view path = target();
  path = path.substr(0, path.find('?'));
  return decode(path.substr(path.rfind('/') + 1));
}

std::string url::origin() const {
  return scheme_ + "://" + host_ + ":" + std::to_string(port_);
}

std::string url::text() const {
  auto out = scheme_ + "://";
  if (!userinfo_.empty()) out += userinfo_ + "@";
  out += host_;
  if (port_ != default_port(scheme_)) out += ":" + std::to_string(port_);
  return out + target_;
}

std::string url::redacted() const {
  auto out = scheme_ + "://" + host_;
  if (port_ != default_port(scheme_)) out += ":" + std::to_string(port_);
  return out + target_.substr(0, target_.find('?'));
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (is_alpha(c) || is_digit(c) || std::string_view("-._~").find(c) != std::string_view::npos)
      out += c;
    else
      out += hex_escape(c);
  }
  return out;
}

}  // namespace tidewire::http
