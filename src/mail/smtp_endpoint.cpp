#include "mail/smtp_endpoint.hpp"

#include <tidewire/http/url.hpp>

#include <algorithm>

namespace tidewire::mail {
namespace {

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.';
}

bool holds_control(std::string_view s) {
  return std::any_of(s.begin(), s.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

std::string first_fault(const smtp_options& o) {
  if (o.password.empty() != o.username.empty())
    return "user name and password are given together, or neither";
  if (holds_control(o.username) || holds_control(o.password))
    return "the user name or the password holds a control character";
  if (o.ehlo_name.size() > 255 ||
      !std::all_of(o.ehlo_name.begin(), o.ehlo_name.end(), is_host_char))
    return "the EHLO name is no host name";
  if (o.max_connections == 0 || o.max_messages_per_connection == 0)
    return "at least one connection and one message for each";
  return {};
}

}  // namespace

std::string smtp_endpoint::curl_url(std::string_view ehlo_name) const {
  return text() + "/" + std::string(ehlo_name);
}

std::string smtp_endpoint::text() const {
  return (implicit_tls ? "smtps://" : "smtp://") + host + ":" + std::to_string(port);
}

std::optional<smtp_endpoint> read_endpoint(const smtp_options& options, std::string& why) {
  std::string_view text = options.url;
  bool implicit_tls = text.starts_with("smtps://");
  why = "the server is written as smtp://HOST[:PORT] or smtps://HOST[:PORT]";
  if (!implicit_tls && !text.starts_with("smtp://")) return std::nullopt;
  text.remove_prefix(text.find("://") + 3);
  if (text.ends_with('/')) text.remove_suffix(1);
  // The library's reader knows http alone; the rest of the syntax is the same.
  auto url = http::url::parse("http://" + std::string(text));
  if (!url) return std::nullopt;
  if (!url->userinfo().empty()) {
    why = "user name and password don't belong in the server's URL";
    return std::nullopt;
  }
  if (url->target() != "/") return std::nullopt;
  smtp_endpoint out;
  out.host = url->host();
  out.implicit_tls = implicit_tls;
  bool has_port = text.size() > out.host.size() + 1;
  out.port = has_port ? url->port() : implicit_tls ? 465 : 25;
  why = first_fault(options);
  return why.empty() ? std::optional(out) : std::nullopt;
}

}  // namespace tidewire::mail
