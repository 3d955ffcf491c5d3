#include "head_check.hpp"

#include <algorithm>

namespace tidewire::server {
namespace {

bool is_host_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view("-._~!$&'()*+;=%:[]").find(c) != std::string_view::npos;
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), is_host_char);
}

// Digits only: no sign, no list, no blank. 19 digits always fit 64 bits.
std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool has_option(const http::fields& headers, std::string_view option) {
  auto list = headers.joined("Connection").value_or("");
  for (std::string_view rest = list; !rest.empty();) {
    auto comma = std::min(rest.find(','), rest.size());
    auto item = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (http::iequals(item, option)) return true;
  }
  return false;
}

std::optional<refusal> check_host(unsigned version, const http::fields& headers,
                                  std::string_view authority) {
  auto hosts = headers.count("Host");
  if (hosts > 1) return refusal{400, "two_hosts"};
  if (hosts == 0 && version >= 11) return refusal{400, "no_host"};
  if (hosts == 1 && !is_host(*headers.find("Host"))) return refusal{400, "bad_host"};
  if (!authority.empty() && hosts == 1 && !http::iequals(authority, *headers.find("Host")))
    return refusal{400, "host_mismatch"};
  return std::nullopt;
}

std::optional<refusal> check_lengths(unsigned version, const http::fields& headers,
                                     std::uint64_t max_body_bytes, framing& out) {
  auto codings = headers.count("Transfer-Encoding");
  auto lengths = headers.count("Content-Length");
  if (codings > 0) {
    // Any other list ends differently for different readers, and nobody sends one.
    if (codings > 1 || !http::iequals(*headers.find("Transfer-Encoding"), "chunked"))
      return refusal{400, "transfer_encoding"};
    if (lengths > 0) return refusal{400, "two_lengths"};
    if (version < 11) return refusal{400, "transfer_encoding"};
    out.chunked = true;
    return std::nullopt;
  }
  if (lengths > 1) return refusal{400, "two_lengths"};
  if (lengths == 0) return std::nullopt;
  auto length = parse_length(*headers.find("Content-Length"));
  if (!length) return refusal{400, "bad_length"};
  if (*length > max_body_bytes) return refusal{413, "body_too_large"};
  out.content_length = *length;
  return std::nullopt;
}

}  // namespace

head_scan::outcome head_scan::feed(std::string_view bytes) {
  outcome out;
  auto bad = [&](const char* why) {
    out.bad = refusal{400, why};
    return out;
  };
  for (auto& i = checked; i < bytes.size(); ++i) {
    char c = bytes[i];
    if (c == '\0') return bad("nul");
    if (c == '\n' && (i == 0 || bytes[i - 1] != '\r')) return bad("bare_lf");
    if (c != '\n' && i > 0 && bytes[i - 1] == '\r') return bad("bare_cr");
    bool at_line_start = i >= 2 && bytes[i - 1] == '\n';
    if (at_line_start && (c == ' ' || c == '\t')) return bad("folded_line");
    if (c == ':' && i > 0 && (bytes[i - 1] == ' ' || bytes[i - 1] == '\t')) {
      // In a value a blank before a colon is fine; in a name, the line has no colon before it.
      auto line = bytes.substr(0, i).rfind('\n');
      if (line != bytes.npos && bytes.substr(line + 1, i - line - 1).find(':') == bytes.npos)
        return bad("blank_before_colon");
    }
    if (c == '\n' && i >= 3 && bytes.substr(i - 3, 4) == "\r\n\r\n") {
      out.length = i + 1;
      return out;
    }
  }
  return out;
}

std::optional<refusal> check_head(unsigned version, const http::fields& headers,
                                  std::string_view authority, std::uint64_t max_body_bytes,
                                  framing& out) {
  if (version != 10 && version != 11) return refusal{505, "version"};
  if (headers.size() > max_header_fields) return refusal{431, "too_many_fields"};
  if (auto bad = check_host(version, headers, authority)) return bad;
  if (auto bad = check_lengths(version, headers, max_body_bytes, out)) return bad;
  if (auto expected = headers.joined("Expect"); expected && version >= 11) {
    if (!http::iequals(*expected, "100-continue")) return refusal{417, "expectation"};
    out.expects_continue = out.has_body();
  }
  out.keep_alive =
      version >= 11 ? !has_option(headers, "close") : has_option(headers, "keep-alive");
  return std::nullopt;
}

}  // namespace tidewire::server
