#pragma once

#include <tidewire/core/types.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tidewire::http {

// An absolute http or https URL (RFC 3986), checked and split. A value.
class url {
 public:
  // errc::bad_url, errc::unsupported_scheme. Fragments are dropped, spaces and other characters
  // that a URL can't hold are refused. A missing path becomes "/".
  static result<url> parse(std::string_view text);

  // Resolves a Location value against this URL (RFC 3986, 5.2).
  result<url> resolve(std::string_view reference) const;

  std::string_view scheme() const { return scheme_; }      // "http" or "https"
  std::string_view host() const { return host_; }          // lower case, IPv6 in brackets
  std::uint16_t port() const { return port_; }             // the scheme's default when not given
  std::string_view target() const { return target_; }      // path and query, still encoded
  std::string_view userinfo() const { return userinfo_; }  // "user:password", encoded, or empty

  // This URL with "name=value" behind its query, both escaped. errc::bad_url when that is too long.
  result<url> with_parameter(std::string_view name, std::string_view value) const;

  // The last segment of the path, decoded; may be empty and is not yet safe as a file name.
  std::string file_name() const;

  std::string origin() const;    // "https://host:port", RFC 6454
  std::string text() const;      // the whole, with credentials: to send
  std::string redacted() const;  // without credentials and query: for logs and people

  friend bool operator==(const url&, const url&) = default;

 private:
  std::string scheme_, host_, target_, userinfo_;
  std::uint16_t port_ = 0;
};

// Everything but RFC 3986's unreserved characters as "%XX": fits a path segment or a query value.
std::string percent_encode(std::string_view text);

}  // namespace tidewire::http
