#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace tidewire::websocket {

// What can go wrong with a WebSocket. The condition behind each name is in brackets. What happens
// before the upgrade has http::errc's names.
enum class errc {
  closed = 1,       // [retryable] the peer closed in good order; see connection::reason()
  connection_lost,  // [retryable] the connection broke without a close frame
  refused,  // [retryable for 408, 425, 429 and 5xx by the caller] the server answered the upgrade
            // with something else than 101
  bad_handshake,    // [permanent] 101 with a wrong accept key, protocol or extension
  protocol_error,   // [permanent] frames that RFC 6455 forbids; a close frame with 1002 was sent
  invalid_utf8,     // [permanent] text that is none; a close frame with 1007 was sent
  message_too_big,  // [permanent] above the limit; a close frame with 1009 was sent
};

const boost::system::error_category& category() noexcept;
boost::system::error_code make_error_code(errc) noexcept;

}  // namespace tidewire::websocket

template <>
struct boost::system::is_error_code_enum<tidewire::websocket::errc> : std::true_type {};
