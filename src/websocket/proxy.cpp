#include "websocket/proxy.hpp"

#include "http/parse.hpp"

#include <tidewire/http/error.hpp>
#include <tidewire/http/fields.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>

namespace tidewire::websocket {
namespace {

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      auto high = http::detail::hex_value(text[i + 1]), low = http::detail::hex_value(text[i + 2]);
      if (high && low) {
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

bool in_network(const asio::ip::address& address, std::string_view entry) {
  error_code ec;
  std::string text(entry);
  if (address.is_v4()) {
    auto net = asio::ip::make_network_v4(text, ec);
    if (ec) return false;
    auto one = asio::ip::make_network_v4(address.to_v4(), net.prefix_length());
    return one.network() == net.network();
  }
  auto net = asio::ip::make_network_v6(text, ec);
  if (ec) return false;
  asio::ip::network_v6 one(address.to_v6(), net.prefix_length());
  return one.network() == net.network();
}

bool matches(std::string_view host, std::string_view entry) {
  if (entry == "*") return true;
  error_code no_address;
  auto address = asio::ip::make_address(std::string(host), no_address);
  if (!no_address) {
    if (entry.find('/') != entry.npos) return in_network(address, entry);
    error_code ec;
    auto other = asio::ip::make_address(std::string(without_brackets(entry)), ec);
    return !ec && other == address;
  }
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.ends_with('.')) entry.remove_suffix(1);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (entry.empty() || host.size() < entry.size()) return false;
  auto tail = host.substr(host.size() - entry.size());
  bool whole = tail.size() == host.size() || host[host.size() - entry.size() - 1] == '.';
  return whole && http::iequals(tail, entry);
}

std::optional<std::string> first_of(const environment& env,
                                    std::initializer_list<const char*> names) {
  for (auto* name : names)
    if (auto value = env(name); value && !value->empty()) return value;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  auto* value = std::getenv(name);
  if (!value) return std::nullopt;
  return std::string(value);
}

std::string_view without_brackets(std::string_view host) {
  if (host.size() >= 2 && host.starts_with('[') && host.ends_with(']'))
    return host.substr(1, host.size() - 2);
  return host;
}

bool is_exempt(std::string_view host, std::string_view list) {
  auto between = [](char c) { return c == ',' || c == ' ' || c == '\t'; };
  for (auto rest = list; !rest.empty();) {
    http::detail::take_while(rest, between);
    auto entry = http::detail::take_while(rest, [&](char c) { return !between(c); });
    if (!entry.empty() && matches(host, entry)) return true;
  }
  return false;
}

std::string basic_authorization(std::string_view userinfo) {
  auto text = percent_decoded(userinfo);
  if (text.find(':') == text.npos) text += ':';
  std::string out(4 * (text.size() / 3 + 1) + 1, '\0');
  auto n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                           reinterpret_cast<const unsigned char*>(text.data()),
                           static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(n));
  return "Basic " + out;
}

result<proxy> parse_proxy(std::string_view text) {
  auto scheme = text.find("://");
  if (scheme != text.npos && !http::iequals(text.substr(0, scheme), "http"))
    return http::make_error_code(http::errc::proxy_failed);
  if (scheme != text.npos) text.remove_prefix(scheme + 3);
  auto authority = text.substr(0, std::min(text.find_first_of("/?#"), text.size()));
  auto url = http::url::parse("http://" + std::string(authority) + "/");
  if (!url) return url.error();
  proxy out;
  out.host = without_brackets(url->host());
  // Only the text tells a port that was given from the scheme's own.
  auto host =
      authority.substr(authority.rfind('@') == authority.npos ? 0 : authority.rfind('@') + 1);
  auto bracket = host.rfind(']');
  auto colon = host.rfind(':');
  if (colon != host.npos && (bracket == host.npos || colon > bracket)) out.port = url->port();
  if (!url->userinfo().empty()) out.authorization = basic_authorization(url->userinfo());
  return out;
}

result<std::optional<proxy>> choose_proxy(const http::url& target,
                                          const std::optional<std::string>& chosen,
                                          const environment& env) {
  auto text = chosen;
  if (!text) {
    bool secure = target.scheme() == "https";
    text = secure ? first_of(env, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
                  : first_of(env, {"http_proxy", "all_proxy", "ALL_PROXY"});
    auto exempt = first_of(env, {"no_proxy", "NO_PROXY"});
    if (exempt && is_exempt(without_brackets(target.host()), *exempt)) text.reset();
  }
  if (!text || text->empty()) return std::optional<proxy>();
  auto out = parse_proxy(*text);
  if (!out) return out.error();
  return std::optional<proxy>(std::move(*out));
}

}  // namespace tidewire::websocket
