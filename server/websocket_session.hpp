#pragma once

#include <tidewire/server/websocket.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <string>

namespace tidewire::server {

// An HTTP connection that became a WebSocket: from the answer to the end. Used on its strand.
class websocket_session {
 public:
  websocket_session(websocket_upgrade upgrade, std::string key)
      : upgrade_(std::move(upgrade)), key_(std::move(key)) {}

  // Answers with 101 and runs the session. `early` was read behind the request.
  asio::awaitable<void> run(asio::ip::tcp::socket socket, std::string early);

  // Tells the session that the server stops.
  void begin_stop();
  void force_close();

 private:
  websocket_upgrade upgrade_;
  std::string key_;
  bool stopping_ = false, running_ = false;
  std::function<void(websocket::close_code)> close_;
  std::function<void()> abort_;
};

}  // namespace tidewire::server
