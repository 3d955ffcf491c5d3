#include <tidewire/core/error.hpp>
#include <tidewire/http/error.hpp>

#include <string>

namespace tidewire::http {
namespace {

namespace sys = boost::system;

class http_category final : public sys::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.http"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::bad_url:
        return "not a usable URL";
      case errc::unsupported_scheme:
        return "the URL's scheme is neither http nor https";
      case errc::resolve_failed:
        return "the host name could not be resolved";
      case errc::connect_failed:
        return "could not connect";
      case errc::tls_failed:
        return "the TLS handshake or the certificate failed";
      case errc::proxy_failed:
        return "the proxy failed";
      case errc::send_failed:
        return "the connection broke while sending";
      case errc::receive_failed:
        return "the connection broke while receiving";
      case errc::truncated_body:
        return "the body ended before its announced length";
      case errc::head_timeout:
        return "no response within the limit";
      case errc::idle_timeout:
        return "no bytes within the limit";
      case errc::bad_message:
        return "the response is not valid HTTP";
      case errc::limit_exceeded:
        return "the response head is too large";
      case errc::stopped_by_handler:
        return "stopped by the receiver";
      case errc::too_many_redirects:
        return "too many redirects";
      case errc::forbidden_redirect:
        return "the redirect leads to a forbidden scheme";
      case errc::body_source_failed:
        return "the request body could not be read";
    }
    return "unknown error";
  }

  sys::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::resolve_failed:
      case errc::connect_failed:
      case errc::proxy_failed:
      case errc::send_failed:
      case errc::receive_failed:
      case errc::truncated_body:
      case errc::head_timeout:
      case errc::idle_timeout:
        return condition::retryable;
      case errc::stopped_by_handler:
        return condition::cancelled;
      case errc::bad_url:
      case errc::unsupported_scheme:
      case errc::tls_failed:
      case errc::bad_message:
      case errc::limit_exceeded:
      case errc::too_many_redirects:
      case errc::forbidden_redirect:
      case errc::body_source_failed:
        return condition::permanent;
    }
    return {value, *this};
  }
};

}  // namespace

const sys::error_category& category() noexcept {
  static const http_category instance;
  return instance;
}

sys::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

}  // namespace tidewire::http
