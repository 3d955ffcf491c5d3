#include "response_head.hpp"

#include <tidewire/http/date.hpp>

#include <algorithm>

namespace tidewire::server {
namespace {

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
    return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    auto octet = static_cast<unsigned char>(c);
    return (octet < 0x20 && c != '\t') || octet == 0x7f;
  });
}

bool belongs_to_the_edge(std::string_view name) {
  for (auto n : {"Connection", "Content-Length", "Transfer-Encoding", "Keep-Alive", "Date",
                 "Trailer", "Upgrade"})
    if (http::iequals(n, name)) return true;
  return false;
}

}  // namespace

body_framing choose_framing(unsigned status, unsigned version,
                            const std::optional<std::uint64_t>& size, bool has_body) {
  if (status == 204 || status == 304) return body_framing::none;
  if (!has_body || size) return body_framing::length;
  return version >= 11 ? body_framing::chunked : body_framing::close;
}

std::string format_head(const response& answer, const head_options& options) {
  std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " ";
  out.append(reason_of(answer.status)).append("\r\nDate: ");
  out.append(http::format_date(options.date)).append("\r\n");
  if (options.framing == body_framing::length)
    out += "Content-Length: " + std::to_string(options.content_length) + "\r\n";
  if (options.framing == body_framing::chunked) out += "Transfer-Encoding: chunked\r\n";
  if (!options.keep_alive)
    out += "Connection: close\r\n";
  else if (options.version < 11)
    out += "Connection: keep-alive\r\n";
  // RFC 9110, 15.5.22: it says what to upgrade to.
  if (answer.status == 426) out += "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  for (const auto& f : answer.headers) {
    if (belongs_to_the_edge(f.name) || !is_token(f.name) || !is_value(f.value)) continue;
    out.append(f.name).append(": ").append(f.value).append("\r\n");
  }
  return out += "\r\n";
}

}  // namespace tidewire::server
