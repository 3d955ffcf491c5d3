#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/server/message.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace tidewire::server {

// Bounds: a stream holds one state for each topic, and each subscriber at most one reference to
// each.
struct event_stream_options {
  // Between two events of one topic to one subscriber. What changes faster is told less often.
  std::chrono::nanoseconds interval = std::chrono::milliseconds(100);
  // An event "alive" after so long without another one, so that neither the reader nor anything in
  // between takes the link for dead.
  std::chrono::nanoseconds keep_alive = std::chrono::seconds(10);
  // What a client should wait before it connects again.
  std::chrono::milliseconds retry = std::chrono::seconds(1);
  std::size_t max_subscribers = 256;  // further ones are answered 503
  std::size_t max_topics = 64;
  std::size_t max_state_bytes = 1024 * 1024;
};

// State that is pushed (text/event-stream, WHATWG HTML 9.2): each topic has a state, a subscriber
// gets every topic's state once and then again when it changed. The newest state wins: a slow
// reader gets fewer events, never a backlog. There is nothing to replay, so that events have no
// ids.
//
// Thread-safe. Subscribers may outlive the stream; they end when it closes.
class event_stream {
 public:
  explicit event_stream(event_stream_options options = {});
  ~event_stream();
  event_stream(const event_stream&) = delete;
  event_stream& operator=(const event_stream&) = delete;

  // The topic's state from now on; the same state again is no event. errc::invalid_argument for a
  // topic that is no word (letters, digits, '-', '_'), errc::limit_exceeded beyond the bounds; then
  // nothing changes.
  result<void> publish(std::string_view topic, std::string state);

  // Answers GET: 503 with too many subscribers, or when closed. May outlive the stream.
  handler get_handler();

  std::size_t subscribers() const;

  // Ends all subscribers and refuses new ones. Idempotent.
  void close();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tidewire::server
