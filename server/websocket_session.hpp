#pragma once

#include <tidewire/server/websocket.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <string>

namespace tidewire::websocket {
class wire;
}

namespace tidewire::server {

// An HTTP connection that became a WebSocket: from the answer to the end. Used on its strand.
class websocket_session {
 public:
  websocket_session(websocket_upgrade upgrade, std::string key)
      : upgrade_(std::move(upgrade)), key_(std::move(key)) {}

  // What to run on. `early` was read behind the request.
  void take(asio::ip::tcp::socket socket, std::string early);
  // Answers with 101. Null when that could not be sent, or the server stopped meanwhile. In a frame
  // of its own, which is gone while the session runs.
  asio::awaitable<std::unique_ptr<websocket::connection>> answer();
  // The session, from here to its end.
  asio::awaitable<void> begin(std::unique_ptr<websocket::connection> made);

  // Tells the session that the server stops.
  void begin_stop();
  void force_close();

 private:
  websocket_upgrade upgrade_;
  std::string key_;
  std::shared_ptr<websocket::wire> line_;  // until it was answered
  bool stopping_ = false, running_ = false;
  std::function<void(websocket::close_code)> close_;
  std::function<void()> abort_;
};

}  // namespace tidewire::server
