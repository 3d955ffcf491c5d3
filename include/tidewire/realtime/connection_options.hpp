#pragma once

#include <tidewire/core/backoff.hpp>
#include <tidewire/http/url.hpp>
#include <tidewire/realtime/cursor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::realtime {

// Where a channel begins of which no cursor is known.
enum class start_at {
  newest,  // only what is published from now on
  oldest,  // everything that the server still has
};

// What a connection is made of; the defaults are the lesson's where it has them. Numbers that can't
// be used count as the nearest that can.
struct connection_options {
  static constexpr std::size_t max_channels = 128;

  // At least one of both. http and https stand for ws and wss as well.
  std::optional<http::url> websocket_url{};
  std::optional<http::url> poll_url{};
  // To listen to; none: the connection only publishes. More than max_channels are ignored.
  std::vector<std::string> channels{};
  std::map<std::string, cursor> cursors{};  // where to go on; stored ones count before these
  start_at begin = start_at::newest;

  // An established socket that was lost: so many attempts until polling takes over. Polls fill the
  // gap meanwhile.
  std::uint32_t max_reconnect_attempts = 5;
  backoff reconnect{std::chrono::seconds(0), std::chrono::seconds(1), std::chrono::seconds(30), 2};
  // While polling the WebSocket is tried again, for ever.
  backoff probe{std::chrono::seconds(1), std::chrono::seconds(5), std::chrono::seconds(30), 2};
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);  // up to the server's welcome
  std::chrono::nanoseconds max_retry_after = std::chrono::minutes(10);

  std::chrono::nanoseconds poll_interval = std::chrono::seconds(5);
  std::chrono::nanoseconds max_poll_interval = std::chrono::seconds(30);  // after errors
  std::chrono::seconds long_poll = std::chrono::seconds(25);  // zero: the server never holds back
  std::size_t poll_limit = 500;                               // messages an answer
  std::size_t max_answer_bytes = 16 * 1024 * 1024;

  // A ping is sent after so long without a byte (a server's own wish counts before it), and the
  // socket is dead when two of them brought nothing within ping_timeout each.
  std::chrono::nanoseconds ping_after = std::chrono::seconds(25);
  std::chrono::nanoseconds ping_timeout = std::chrono::seconds(5);

  std::size_t max_message_bytes = 1024 * 1024;  // received by WebSocket
  std::size_t send_buffer_bytes = 1024 * 1024;  // send() says false beyond
  std::size_t held_messages = 1024;             // over a gap, of each channel
  std::size_t publish_queue_messages = 1024;    // async_publish() waits beyond
  std::size_t publish_queue_bytes = 4 * 1024 * 1024;
  std::size_t publish_in_flight = 64;  // by WebSocket; one at a time by HTTP
  // Ends a publication that was not answered, as unknown or rejected. Zero: nothing but stop()
  // does.
  std::chrono::nanoseconds publish_timeout = std::chrono::seconds(0);

  // Cursors are stored at most so often, and at the end. Zero: after every batch.
  std::chrono::nanoseconds store_interval = std::chrono::seconds(1);
};

}  // namespace tidewire::realtime
