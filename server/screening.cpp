#include "screening.hpp"

#include "websocket/upgrade.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::server {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Host without its port: "[::1]:80" and "localhost:80" alike.
std::string_view host_part(std::string_view host) {
  auto bracket = host.rfind(']');
  auto colon = host.rfind(':');
  if (colon == host.npos || (bracket != host.npos && colon < bracket)) return host;
  return host.substr(0, colon);
}

bool is_literal_or_localhost(std::string_view host) {
  if (http::iequals(host, "localhost")) return true;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code bad;
  asio::ip::make_address(std::string(host), bad);
  return !bad;
}

bool token_matches(const request& req, const std::string& token) {
  if (req.headers.count("Authorization") != 1) return false;
  auto value = *req.headers.find("Authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (!http::iequals(value.substr(0, scheme.size()), scheme)) return false;
  value.remove_prefix(std::min(scheme.size(), value.size()));
  return constant_time_equal(value, token);
}

bool host_allowed(const request& req, const screening_policy& policy) {
  auto host = req.headers.find("Host");
  if (!host || is_literal_or_localhost(host_part(*host))) return true;
  auto plain = "http://" + lower(*host), secure = "https://" + lower(*host);
  return std::any_of(policy.origins.begin(), policy.origins.end(),
                     [&](const std::string& o) { return o == plain || o == secure; });
}

bool origin_allowed(const request& req, const screening_policy& policy) {
  if (req.headers.count("Origin") == 0) return true;  // not from a page
  return from_listed_origin(req, policy);
}

// A WebSocket obeys no same-origin rule: a foreign page may open one with a plain GET. Programs
// send no Origin; they are known by the token, or by being on this machine.
bool upgrade_allowed(const request& req, const screening_policy& policy) {
  if (req.headers.count("Origin") > 0) return origin_allowed(req, policy);
  error_code bad;
  auto peer = asio::ip::make_address(req.peer, bad);
  return !policy.token.empty() || (!bad && peer.is_loopback());
}

// Whether the handler asks for the token: a wrong one is refused here all the same.
bool asks_itself(const request& req, const screening_policy& policy) {
  if (req.headers.count("Authorization") > 0) return false;
  if (!websocket::lists(req.headers, "Upgrade", "websocket")) return false;
  return std::any_of(policy.token_in_band.begin(), policy.token_in_band.end(),
                     [&](const std::string& prefix) { return req.path.starts_with(prefix); });
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

}  // namespace

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  volatile unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto other = b.empty() ? '\0' : b[i % b.size()];
    difference = difference | static_cast<unsigned>(static_cast<unsigned char>(a[i] ^ other));
  }
  return difference == 0;
}

bool from_listed_origin(const request& req, const screening_policy& policy) {
  if (req.headers.count("Origin") != 1) return false;
  auto origin = lower(*req.headers.find("Origin"));
  return std::find(policy.origins.begin(), policy.origins.end(), origin) != policy.origins.end();
}

std::optional<screened> screen(const request& req, const screening_policy& policy) {
  bool open = req.path == "/healthz" || req.path == "/readyz";
  open = open || asks_itself(req, policy);
  if (!policy.token.empty() && !open && !token_matches(req, policy.token)) {
    screened out{problem(401, "Unauthorized", "this server asks for a bearer token"), "token"};
    out.answer.headers.set("WWW-Authenticate", "Bearer");
    return out;
  }
  if (policy.token.empty() && !host_allowed(req, policy))
    return screened{problem(421, "Misdirected Request", "this server has another name"), "host"};
  if (!is_safe(req.method) && !origin_allowed(req, policy))
    return screened{problem(403, "Forbidden", "not for pages of this origin"), "origin"};
  if (websocket::lists(req.headers, "Upgrade", "websocket") && !upgrade_allowed(req, policy))
    return screened{problem(403, "Forbidden", "no WebSocket for this origin"), "origin"};
  return std::nullopt;
}

screening_policy make_screening_policy(std::string token, const std::string& address,
                                       std::uint16_t port, std::vector<std::string> allowed) {
  screening_policy out{std::move(token), {}, {}};
  for (auto& o : allowed) out.origins.push_back(lower(o));
  auto bracketed = address.find(':') == address.npos ? address : "[" + address + "]";
  for (const auto& host :
       {bracketed, std::string("localhost"), std::string("127.0.0.1"), std::string("[::1]")}) {
    out.origins.push_back("http://" + host + ":" + std::to_string(port));
    if (port == 80) out.origins.push_back("http://" + host);
  }
  return out;
}

}  // namespace tidewire::server
