#pragma once

#include <tidewire/server/message.hpp>
#include <tidewire/websocket/client.hpp>
#include <tidewire/websocket/connection.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <variant>

namespace tidewire::server {

// What a handler makes of an acceptable request for a WebSocket.
struct websocket_upgrade {
  // Runs the WebSocket, on the connection's strand, from the moment the upgrade was answered. The
  // connection is dropped when it returns. It is cancelled when the server's grace is over, and
  // when the server goes without grace.
  std::function<asio::awaitable<void>(std::unique_ptr<websocket::connection>)> session;

  // One of those that the request offers in Sec-WebSocket-Protocol; empty: none.
  std::string subprotocol;

  // handshake bounds the sending of our answer. Small messages by default: a server has many.
  websocket::connection_limits limits{std::chrono::seconds(10), std::chrono::seconds(2), 64 * 1024};

  // The server stops and gives its grace: called at most once, on the strand, while `session` runs.
  // Say goodbye there. Without it the connection is closed with 1001, going away.
  std::function<void()> on_stop;
};

// A refusal (401, 403, 404, 429 …) or an upgrade. The request is gone when `session` starts.
using websocket_answer = std::variant<response, websocket_upgrade>;
using websocket_handler = std::function<asio::awaitable<websocket_answer>(request&)>;

}  // namespace tidewire::server
