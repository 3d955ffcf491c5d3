#pragma once

#include <tidewire/server/message.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tidewire::server {

// Who may ask. Compiled from http_server_options when the port is known.
struct screening_policy {
  std::string token;                       // empty: none asked for
  std::vector<std::string> origins;        // exact, lower case
  std::vector<std::string> token_in_band;  // see http_server_options
};

struct screened {
  response answer;
  const char* reason;
};

// The answer to a request that must not reach a handler, or nothing: 401 without the token, 403 for
// an unsafe method or an upgrade to a WebSocket from a foreign page, 421 for a Host that only a
// re-bound DNS name would send.
std::optional<screened> screen(const request& req, const screening_policy& policy);

// Whether the request has one Origin, and it is on the list.
bool from_listed_origin(const request& req, const screening_policy& policy);

// The time taken depends on the lengths alone.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

screening_policy make_screening_policy(std::string token, const std::string& address,
                                       std::uint16_t port, std::vector<std::string> allowed);

}  // namespace tidewire::server
