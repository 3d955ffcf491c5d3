#pragma once

#include "faulty_link.hpp"
#include "timeline.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/timer.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <string>

namespace tidewire::demo {

// The bad network of one client of the chat. WebSocket and HTTP go through a door each, with the
// same faults, so that one of both can be shut alone: many real networks do that. Remembers what
// was done to it. Used on the demo's thread.
class chat_link {
 public:
  chat_link(const context& ctx, std::uint16_t upstream_port, const stopwatch& time);

  result<void> listen();
  asio::awaitable<void> run();  // until stop()
  void stop();

  std::string socket_origin() const;  // "http://127.0.0.1:PORT", of the door for WebSockets
  std::string http_origin() const;

  // As link_settings, and "block_websocket": true or false.
  outcome change(const boost::json::object& settings);
  // Resets every connection: by a person, or because the server was killed.
  void cut(std::string_view kind, std::string text);
  // {"seconds": 1..600}: nothing moves. | The WebSocket looks open, and swallows everything.
  outcome stall(const boost::json::object& how);
  outcome half_open(const boost::json::object& how);

  boost::json::object state() const;

 private:
  void note_change(const boost::json::object& before);
  void block(bool on);
  void mark(std::string_view kind, std::string text);

  const stopwatch& time_;
  clock clock_;
  faulty_link sockets_, http_;
  timer heal_;
  clock::time_point half_open_until_{};
  event_marks marks_;
  bool blocked_ = false;
};

}  // namespace tidewire::demo
