#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace tidewire::http {

// What can go wrong in an exchange. Statuses are not errors here: what a 503 means is decided by
// the module that asked. The condition behind each name is in brackets.
enum class errc {
  bad_url = 1,         // [permanent] not a URL
  unsupported_scheme,  // [permanent] neither http nor https
  resolve_failed,      // [retryable] the name server did not know the host, or did not answer
  connect_failed,      // [retryable] refused, unreachable, or not in time
  tls_failed,          // [permanent] handshake or certificate
  proxy_failed,        // [retryable] the proxy did not serve
  send_failed,         // [retryable] the connection broke while sending
  receive_failed,      // [retryable] the connection broke while receiving
  truncated_body,      // [retryable] the connection ended before the announced length
  head_timeout,        // [retryable] no response head within the limit
  idle_timeout,        // [retryable] no byte within the limit
  bad_message,         // [permanent] not HTTP, or a message that allows two readings
  limit_exceeded,      // [permanent] head too large
  stopped_by_handler,  // [cancelled] the exchange_handler returned flow::stop
  too_many_redirects,  // [permanent]
  forbidden_redirect,  // [permanent] to another scheme than http(s), or https to http
  body_source_failed,  // [permanent] the request body could not be read
};

const boost::system::error_category& category() noexcept;
boost::system::error_code make_error_code(errc) noexcept;

}  // namespace tidewire::http

template <>
struct boost::system::is_error_code_enum<tidewire::http::errc> : std::true_type {};
