#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/http/url.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::websocket {

// An HTTP proxy that is asked for tunnels (RFC 9110, 9.3.6).
struct proxy {
  std::string host;  // without brackets
  std::uint16_t port = 1080;
  std::string authorization;  // the value of Proxy-Authorization; empty: none

  friend bool operator==(const proxy&, const proxy&) = default;
};

// "http://user:password@host:port"; scheme and port may be missing, as for libcurl (1080).
// http::errc::proxy_failed for other schemes, http::errc::bad_url.
result<proxy> parse_proxy(std::string_view text);

// The proxy to use for `target`, or none. `chosen` is the caller's: empty means none, nothing means
// the environment, read as libcurl does: http_proxy (lower case only: CGI programs get HTTP_PROXY
// from their clients), https_proxy or HTTPS_PROXY, all_proxy or ALL_PROXY; no_proxy or NO_PROXY
// lists hosts, domains and networks that are asked directly.
using environment = std::function<std::optional<std::string>(const char* name)>;
result<std::optional<proxy>> choose_proxy(const http::url& target,
                                          const std::optional<std::string>& chosen,
                                          const environment& env);
std::optional<std::string> process_environment(const char* name);

// Whether a list as in no_proxy names this host (without brackets).
bool is_exempt(std::string_view host, std::string_view list);

// "Basic …" from "user:password", percent-encoded (RFC 7617).
std::string basic_authorization(std::string_view userinfo);

// "example.org" or "::1" from a URL's host.
std::string_view without_brackets(std::string_view host);

}  // namespace tidewire::websocket
