#pragma once

#include <tidewire/http/fields.hpp>
#include <tidewire/http/url.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tidewire::http {

class body_source;

// Deadlines and bounds of one exchange. Zero switches a deadline off.
struct exchange_limits {
  std::chrono::nanoseconds connect = std::chrono::seconds(15);
  // From sending the request to the end of the response head.
  std::chrono::nanoseconds head = std::chrono::seconds(30);
  // Between two bytes of the body; paused time does not count.
  std::chrono::nanoseconds idle = std::chrono::seconds(30);
  std::size_t head_bytes = 64 * 1024;
};

enum class protocol {
  negotiate,  // HTTP/2 where TLS offers it
  http1,      // one connection per exchange in flight: for parallel ranges of one file
};

// A request. Redirects are never followed here: a 3xx is an answer like any other. No
// Accept-Encoding is sent and no content coding is undone: bytes arrive as on the wire.
struct request {
  explicit request(url u) : target(std::move(u)) {}

  std::string method = "GET";
  url target;
  fields headers;
  body_source* body = nullptr;                  // borrowed until the exchange completed
  std::optional<std::uint64_t> content_length;  // of `body`; without it the body is chunked
  exchange_limits limits;
  protocol version = protocol::negotiate;
  // A hint for this exchange in place of the client's own; 0 leaves it. Small ones make pauses
  // fine.
  std::size_t receive_buffer_bytes = 0;
};

// Status line and header fields of a final response (1xx are skipped).
struct response_head {
  unsigned status = 0;
  fields headers;
  // Content-Length, or nothing: then only the framing or the connection's end tells.
  std::optional<std::uint64_t> content_length;
  // False when only the end of the connection will mark the end of the body (RFC 9112, 6.3).
  bool self_delimited = true;
};

// What is known once an exchange is over, also when it failed.
struct exchange_summary {
  unsigned status = 0;  // 0: no head arrived
  std::uint64_t body_bytes = 0;
  bool reused_connection = false;
  // Text for people: what libcurl or the system said. Empty on success.
  std::string detail;
};

}  // namespace tidewire::http
