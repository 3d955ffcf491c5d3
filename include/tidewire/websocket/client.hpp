#pragma once

#include <tidewire/core/initiate.hpp>
#include <tidewire/core/types.hpp>
#include <tidewire/http/fields.hpp>
#include <tidewire/http/url.hpp>
#include <tidewire/websocket/connection.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tidewire::websocket {

// Deadlines and bounds of one connection.
struct connection_limits {
  // Name look-up, connecting, TLS, a proxy's CONNECT and the upgrade together.
  std::chrono::nanoseconds handshake = std::chrono::seconds(5);
  // For the peer's answer to our close frame.
  std::chrono::nanoseconds close_timeout = std::chrono::seconds(2);
  std::size_t message_bytes = 1024 * 1024;
};

struct connect_request {
  // The URL's scheme is http or https: ws and wss are the same places, and url knows no others.
  explicit connect_request(http::url u) : target(std::move(u)) {}

  http::url target;
  http::fields headers;
  connection_limits limits;
};

// How an upgrade went, when the server answered at all.
struct connect_summary {
  unsigned status = 0;                              // 101, or the answer that refused
  std::optional<std::chrono::seconds> retry_after;  // of a refusal
  std::string detail;                               // for people
};

// Opens WebSockets. One interface for real sockets and the lab. Calls must come from
// get_executor(), where connections run too.
class client {
 public:
  virtual ~client() = default;
  virtual executor get_executor() const = 0;

  // void(error_code, std::unique_ptr<connection>, connect_summary). The connection is null after an
  // error: errc::refused when the server answered something else than 101, http::errc for what
  // happened on the way. Cancellation: operation_aborted.
  template <class Token = asio::use_awaitable_t<>>
  auto async_connect(connect_request request, Token&& token = {}) {
    return initiate<void(error_code, std::unique_ptr<connection>, connect_summary)>(
        [this, r = std::make_unique<connect_request>(std::move(request))](
            asio::any_completion_handler<void(error_code, std::unique_ptr<connection>,
                                              connect_summary)>
                done) mutable { start(std::move(*r), std::move(done)); },
        std::forward<Token>(token));
  }

 protected:
  virtual void start(
      connect_request request,
      asio::any_completion_handler<void(error_code, std::unique_ptr<connection>, connect_summary)>
          done) = 0;
};

}  // namespace tidewire::websocket
