#include "websocket/upgrade.hpp"

#include "http/parse.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/websocket/error.hpp>

#include <algorithm>

namespace tidewire::websocket {
namespace {

constexpr std::size_t max_reason_bytes = 123;

// Base64 of 16 bytes: 22 digits, the last of which has four bits to spare, and "==".
bool is_key(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  auto digits = key.substr(0, 22);
  bool good = std::all_of(digits.begin(), digits.end(), [](char c) {
    return http::detail::is_digit(c) || http::detail::is_alpha(c) || c == '+' || c == '/';
  });
  return good && std::string_view("AQgw").find(digits.back()) != std::string_view::npos;
}

bool belongs_to_the_handshake(std::string_view name) {
  for (auto n : {"Host", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding",
                 "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions"})
    if (http::iequals(n, name)) return true;
  return false;
}

}  // namespace

bool lists(const http::fields& headers, std::string_view name, std::string_view member) {
  auto list = headers.joined(name).value_or("");
  for (std::string_view rest = list; !rest.empty();) {
    auto comma = std::min(rest.find(','), rest.size());
    if (http::iequals(http::detail::trim(rest.substr(0, comma)), member)) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

upgrade_wish read_wish(std::string_view method, unsigned version, const http::fields& headers) {
  if (!lists(headers, "Upgrade", "websocket")) return upgrade_wish::none;
  bool body = headers.count("Transfer-Encoding") > 0 ||
              (headers.count("Content-Length") > 0 && headers.find("Content-Length") != "0");
  if (method != "GET" || version != 11 || !lists(headers, "Connection", "upgrade") || body)
    return upgrade_wish::malformed;
  if (headers.count("Sec-WebSocket-Version") != 1 || headers.find("Sec-WebSocket-Version") != "13")
    return upgrade_wish::bad_version;
  if (headers.count("Sec-WebSocket-Key") != 1 || !is_key(*headers.find("Sec-WebSocket-Key")))
    return upgrade_wish::malformed;
  return upgrade_wish::acceptable;
}

error_code check_answer(const http::fields& answer, const http::fields& asked) {
  auto bad = make_error_code(errc::bad_handshake);
  if (answer.count("Sec-WebSocket-Accept") != 1) return bad;
  if (answer.count("Sec-WebSocket-Extensions") > 0) return bad;  // none was offered
  if (answer.count("Transfer-Encoding") > 0) return bad;
  if (answer.count("Content-Length") > 0 && answer.find("Content-Length") != "0") return bad;
  auto chosen = answer.count("Sec-WebSocket-Protocol");
  if (chosen > 1) return bad;
  if (chosen == 0) return {};
  // Subprotocols compare with case.
  auto protocol = *answer.find("Sec-WebSocket-Protocol");
  auto offered = asked.joined("Sec-WebSocket-Protocol").value_or("");
  for (std::string_view rest = offered; !rest.empty();) {
    auto comma = std::min(rest.find(','), rest.size());
    if (http::detail::trim(rest.substr(0, comma)) == protocol) return {};
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return bad;
}

result<http::fields> clean_headers(const http::fields& headers) {
  http::fields out;
  for (const auto& f : headers) {
    bool name = !f.name.empty() && std::all_of(f.name.begin(), f.name.end(), [](char c) {
      return http::detail::is_token_char(c);
    });
    bool value = std::none_of(f.value.begin(), f.value.end(),
                              [](char c) { return http::detail::is_control(c) && c != '\t'; });
    if (!name || !value) return make_error_code(tidewire::errc::invalid_argument);
    if (!belongs_to_the_handshake(f.name)) out.add(f.name, f.value);
  }
  return out;
}

void cut_reason(std::string& text) {
  if (text.size() <= max_reason_bytes) return;
  auto end = max_reason_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
}

}  // namespace tidewire::websocket
