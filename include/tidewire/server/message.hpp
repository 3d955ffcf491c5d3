#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/http/fields.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tidewire::server {

// A request's body as it arrives. Used on the connection's strand.
class request_body {
 public:
  virtual ~request_body() = default;
  // 0 at the end. errc::limit_exceeded once more than the route's bound arrived.
  virtual asio::awaitable<result<std::size_t>> read(std::span<std::byte> space) = 0;
};

struct request {
  std::string method;
  std::string target;  // as sent: path and query, encoded
  std::string path;    // decoded; no "." or ".." segments, no NUL
  std::string query;   // encoded, without "?"
  http::fields headers;
  std::string peer;       // address of the other side, for limits and logs
  unsigned version = 11;  // HTTP/1.1 or, as 10, HTTP/1.0
  request_body* body = nullptr;
};

// A response's body as it is sent. Used on the connection's strand.
class response_body {
 public:
  virtual ~response_body() = default;
  // Bytes in all, or nothing when not known: then it is sent chunked.
  virtual std::optional<std::uint64_t> size() const = 0;
  // 0 at the end. May block for the disk only: a body whose bytes are still to come (events, a long
  // poll) answers errc::resource_unavailable_try_again (of boost::system), and the edge sends what
  // it has, awaits ready() and reads again. Any other error ends the connection short.
  virtual result<std::size_t> read(std::span<std::byte> space) = 0;
  // Completes when read() is worth calling again, however long that takes; early is allowed. It is
  // cancelled when the client goes away or the server stops: return or throw, but end. Only those
  // bodies need it that ever ask for it.
  virtual asio::awaitable<void> ready();
};

struct websocket_upgrade;

struct response {
  unsigned status = 200;
  http::fields headers;
  std::unique_ptr<response_body> body;  // none: empty, with Content-Length 0 where one is allowed
  // With status 101 alone: the connection becomes a WebSocket. See websocket.hpp.
  std::shared_ptr<websocket_upgrade> upgrade;
};

// What answers a request. Runs on the connection's strand and must not block for long. The same
// handlers serve real sockets and the lab's simulated network.
using handler = std::function<asio::awaitable<response>(request&)>;

std::unique_ptr<response_body> text_body(std::string text);

// The phrase of a status line, "Not Found"; "Unknown" for a status that the edge never sends.
std::string_view reason_of(unsigned status);

// RFC 9457. `type` is relative to the documentation ("about:blank" for plain statuses).
response problem(unsigned status, std::string title, std::string detail = {},
                 std::string type = "about:blank");

}  // namespace tidewire::server
