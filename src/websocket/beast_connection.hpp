#pragma once

#include "websocket/wire.hpp"

#include <tidewire/core/initiate.hpp>
#include <tidewire/http/fields.hpp>
#include <tidewire/websocket/client.hpp>
#include <tidewire/websocket/connection.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <string>

namespace tidewire::websocket {

// What this end says in the handshake.
struct client_hello {
  std::string host;    // "name:port"
  std::string target;  // path and query
  http::fields headers;
  connection_limits limits;
};

struct server_hello {
  std::string key;          // of the request
  std::string subprotocol;  // chosen; empty: none
  connection_limits limits;
};

// An accepted WebSocket, and how its server ends it from outside. Both functions may be called at
// any time, on the connection's executor.
struct accepted {
  std::unique_ptr<connection> socket;
  std::function<void(close_code)> close;
  std::function<void()> abort;
};

using on_connection = asio::any_completion_handler<void(error_code, std::unique_ptr<connection>)>;
using on_accepted = asio::any_completion_handler<void(error_code, accepted)>;

// The two handshakes on Beast. The client's has no deadline of its own: it ends when the wire is
// closed, with whatever the wire said. The server's ends within limits.handshake; the request must
// have been found acceptable (see upgrade.hpp).
void start_client(std::shared_ptr<wire> w, client_hello hello, on_connection done);
void start_server(std::shared_ptr<wire> w, server_hello hello, on_accepted done);

template <class Token = asio::use_awaitable_t<>>
auto async_client_handshake(std::shared_ptr<wire> w, client_hello hello, Token&& token = {}) {
  return initiate<void(error_code, std::unique_ptr<connection>)>(
      [w = std::move(w),
       h = std::make_unique<client_hello>(std::move(hello))](on_connection done) mutable {
        start_client(std::move(w), std::move(*h), std::move(done));
      },
      std::forward<Token>(token));
}

template <class Token = asio::use_awaitable_t<>>
auto async_server_handshake(std::shared_ptr<wire> w, server_hello hello, Token&& token = {}) {
  return initiate<void(error_code, accepted)>(
      [w = std::move(w), h = std::make_unique<server_hello>(std::move(hello))](
          on_accepted done) mutable { start_server(std::move(w), std::move(*h), std::move(done)); },
      std::forward<Token>(token));
}

}  // namespace tidewire::websocket
