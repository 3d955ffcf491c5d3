#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/core/initiate.hpp>
#include <tidewire/server/message.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::server {

// Bounds of the edge; each refusal is an answer or a closed connection, never a wait without end.
struct http_server_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  // 0: any free one, see http_server::port()
  std::size_t max_connections = 4096;
  std::size_t max_connections_per_address = 1024;
  std::size_t max_header_bytes = 32 * 1024;
  std::uint64_t max_body_bytes = 16 * 1024 * 1024;
  std::chrono::nanoseconds header_deadline = std::chrono::seconds(15);
  std::chrono::nanoseconds body_deadline = std::chrono::seconds(60);  // between two reads
  // A request body that comes slower than this on average, once body_deadline has passed, is cut
  // off: a byte a minute would else hold a connection for years.
  std::uint64_t min_body_bytes_per_second = 128;
  std::chrono::nanoseconds write_deadline = std::chrono::seconds(60);  // between two writes
  std::chrono::nanoseconds keep_alive = std::chrono::seconds(75);
  // Empty: no authentication, allowed on loopback only. Otherwise every route but /healthz and
  // /readyz asks for "Authorization: Bearer <token>".
  std::string token;
  // Below these paths ("/realtime/") a request for a WebSocket may come without Authorization: its
  // handler asks for the token itself, since a page can't send that field.
  std::vector<std::string> token_in_band;
  // Origins ("https://app.example") beside the server's own whose pages may send unsafe methods,
  // open WebSockets and read the answers (CORS, without cookies).
  // Without a token their hosts are also accepted as Host; else it must be a literal address or
  // "localhost", which a page that re-binds its DNS name to this machine can't send.
  std::vector<std::string> allowed_origins;
};

// The HTTP/1.1 edge of the backend, on Beast. One strand per connection. Refuses what can be read
// in two ways (two Hosts, two lengths, "chunked, gzip", obs-fold) with 400 and closes.
class http_server {
 public:
  http_server(context ctx, http_server_options options, handler answer);
  ~http_server();

  // Binds and listens. Errors of the system (address_in_use), or errc::invalid_argument for an
  // address that isn't loopback without a token.
  result<void> listen();
  std::uint16_t port() const;  // after listen()

  // void(error_code): accepts until stop().
  template <class Token = asio::use_awaitable_t<>>
  auto async_run(Token&& token = {}) {
    return initiate<void(error_code)>(
        [this](asio::any_completion_handler<void(error_code)> done) { start(std::move(done)); },
        std::forward<Token>(token));
  }

  // Stops accepting, lets running answers finish for up to `grace`, closes the rest; async_run then
  // completes. Idempotent, from any thread.
  void stop(std::chrono::nanoseconds grace = std::chrono::seconds(5));

 private:
  void start(asio::any_completion_handler<void(error_code)> done);
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tidewire::server
