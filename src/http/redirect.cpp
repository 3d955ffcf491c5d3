#include <tidewire/http/error.hpp>
#include <tidewire/http/redirect.hpp>

#include <string>

namespace tidewire::http {
namespace {

// The one Location of a response; two different ones leave the choice to chance.
std::optional<std::string_view> location(const fields& headers) {
  auto out = headers.find("location");
  for (auto& f : headers)
    if (iequals(f.name, "location") && f.value != out) return std::nullopt;
  return out;
}

// `u` with the credentials of `source` alone.
result<url> with_credentials(const url& u, std::string_view userinfo) {
  auto text = std::string(u.scheme()) + "://";
  if (!userinfo.empty()) text.append(userinfo).append("@");
  text.append(u.host()).append(":").append(std::to_string(u.port())).append(u.target());
  return url::parse(text);
}

}  // namespace

bool is_redirect(unsigned status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

result<url> redirect_target(const url& from, const response_head& head) {
  auto where = location(head.headers);
  if (!where || where->empty()) return make_error_code(errc::bad_url);
  auto next = from.resolve(*where);
  if (!next) {
    if (next.error() == errc::unsupported_scheme) return make_error_code(errc::forbidden_redirect);
    return next;
  }
  if (from.scheme() == "https" && next->scheme() != "https")
    return make_error_code(errc::forbidden_redirect);
  auto same = from.origin() == next->origin();
  return with_credentials(*next, same ? from.userinfo() : std::string_view());
}

fields headers_for_origin(const fields& headers, const url& original, const url& next) {
  if (original.origin() == next.origin()) return headers;
  auto out = headers;
  for (auto name : {"authorization", "cookie", "proxy-authorization"}) out.erase(name);
  return out;
}

}  // namespace tidewire::http
