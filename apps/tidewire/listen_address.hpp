#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::cli {

// "127.0.0.1:8080", "[::1]:8080" or "localhost:8080".
struct listen_address {
  std::string host;  // without brackets
  std::uint16_t port = 0;

  std::string text() const;  // with brackets where IPv6 needs them
};

// Nothing when it isn't HOST:PORT; port 0 asks for any free one.
std::optional<listen_address> parse_listen_address(std::string_view text);

}  // namespace tidewire::cli
