#include "http/head_reader.hpp"

#include "http/parse.hpp"

#include <tidewire/http/error.hpp>

#include <algorithm>
#include <string>

namespace tidewire::http {
namespace {

using namespace detail;

constexpr std::uint64_t max_length = std::numeric_limits<std::int64_t>::max();

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// "HTTP/1.1", or "HTTP/2" as libcurl writes it for a protocol without a status line.
std::optional<unsigned> parse_version(std::string_view s) {
  if (!take(s, "HTTP/") || s.empty() || !is_digit(s[0])) return std::nullopt;
  auto major = static_cast<unsigned>(s[0] - '0');
  s.remove_prefix(1);
  unsigned minor = 0;
  if (take(s, ".")) {
    if (s.size() != 1 || !is_digit(s[0])) return std::nullopt;
    minor = static_cast<unsigned>(s[0] - '0');
    s = {};
  }
  if (!s.empty() || major == 0) return std::nullopt;
  return major * 10 + minor;
}

// The one length that all fields and list members agree on (RFC 9110, 8.6).
std::optional<std::uint64_t> agreed_length(std::string_view list) {
  std::optional<std::uint64_t> out;
  for (;;) {
    auto comma = std::min(list.find(','), list.size());
    auto value = parse_number(trim(list.substr(0, comma)), max_length);
    if (!value || (out && *out != *value)) return std::nullopt;
    out = value;
    if (comma == list.size()) return out;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

result<head_reader::step> head_reader::feed(std::string_view line) {
  seen_bytes_ += line.size();
  if (seen_bytes_ > max_bytes_) return make_error_code(errc::limit_exceeded);
  if (complete_) return step::more;
  line = without_line_end(line);
  error_code problem;
  if (!in_head_) {
    problem = read_status(line);
  } else if (!line.empty()) {
    problem = read_field(line);
  } else {
    in_head_ = false;
    if (head_.status < 200 && head_.status != 101) return step::more;
    problem = read_framing();
    complete_ = !problem;
  }
  if (problem) return problem;
  return complete_ ? step::head_complete : step::more;
}

error_code head_reader::read_status(std::string_view line) {
  auto space = std::min(line.find(' '), line.size());
  auto version = parse_version(line.substr(0, space));
  line.remove_prefix(space);
  if (!version || !take(line, " ")) return make_error_code(errc::bad_message);
  auto digits = line.substr(0, 3);
  auto status = parse_number(digits, 999);
  line.remove_prefix(digits.size());
  // Who did not ask for another protocol gets no 101.
  if (!status || digits.size() != 3 || *status < 100 || (*status == 101 && !switching_))
    return make_error_code(errc::bad_message);
  if (!line.empty() && line[0] != ' ') return make_error_code(errc::bad_message);
  version_ = *version;
  head_ = response_head();
  head_.status = static_cast<unsigned>(*status);
  in_head_ = true;
  return {};
}

error_code head_reader::read_field(std::string_view line) {
  // A folded line (RFC 9112, 5.2) starts with a space, and so has no name.
  auto name = take_while(line, is_token_char);
  if (name.empty() || !take(line, ":")) return make_error_code(errc::bad_message);
  auto value = trim(line);
  if (std::any_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; }))
    return make_error_code(errc::bad_message);
  head_.headers.add(std::string(name), std::string(value));
  return {};
}

error_code head_reader::read_framing() {
  auto& headers = head_.headers;
  auto coding = headers.joined("transfer-encoding");
  if (auto length = headers.joined("content-length")) {
    head_.content_length = agreed_length(*length);
    if (!head_.content_length || coding) return make_error_code(errc::bad_message);
  }
  // Nothing but "chunked" was asked for, HTTP/1.0 does not know it, and HTTP/2 forbids it.
  if (coding && (!iequals(*coding, "chunked") || version_ != 11))
    return make_error_code(errc::bad_message);
  bool may_have_body = !to_head_ && head_.status != 204 && head_.status != 304;
  head_.self_delimited = !may_have_body || coding || head_.content_length || version_ >= 20;
  return {};
}

}  // namespace tidewire::http
