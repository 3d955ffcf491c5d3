#include "listen_address.hpp"

#include <charconv>

namespace tidewire::cli {

std::string listen_address::text() const {
  auto shown = host.find(':') == host.npos ? host : "[" + host + "]";
  return shown + ":" + std::to_string(port);
}

std::optional<listen_address> parse_listen_address(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return {};
  auto host = text.substr(0, colon), digits = text.substr(colon + 1);
  if (host.front() == '[') {
    if (host.size() < 3 || host.back() != ']') return {};
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return {};  // an IPv6 address without brackets can be read in two ways
  }
  for (char c : host)
    if (static_cast<unsigned char>(c) <= ' ' || c == '/' || c == '[' || c == ']') return {};
  listen_address address{std::string(host), 0};
  auto [stop, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (digits.empty() || fault != std::errc() || stop != digits.data() + digits.size()) return {};
  return address;
}

}  // namespace tidewire::cli
