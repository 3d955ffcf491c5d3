#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/mail/smtp_client.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tidewire::mail {

// Where a server is; made of an smtp:// or smtps:// URL.
struct smtp_endpoint {
  std::string host;  // with its brackets, if it is an IPv6 address
  unsigned short port = 0;
  bool implicit_tls = false;

  // For libcurl: its path is what EHLO says.
  std::string curl_url(std::string_view ehlo_name) const;
  // For people.
  std::string text() const;
};

// The endpoint, or in `why` what is wrong with the options, in words that repeat no secret.
std::optional<smtp_endpoint> read_endpoint(const smtp_options& options, std::string& why);

}  // namespace tidewire::mail
