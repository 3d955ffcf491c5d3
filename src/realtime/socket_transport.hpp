#pragma once

#include "realtime/heartbeat.hpp"
#include "realtime/message_transport.hpp"
#include "realtime/transport_context.hpp"

#include <tidewire/core/clock.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::realtime {

// One attempt at a WebSocket, and the socket that comes of it: authorise, connect, hello, then
// frames until it ends. Lives as long as something of it is under way.
class socket_transport final : public message_transport,
                               public std::enable_shared_from_this<socket_transport> {
 public:
  socket_transport(std::shared_ptr<transport_context> shared, transport_sink& sink,
                   std::uint64_t generation, bool refresh);

  void start() override;
  void stop(bool gracefully) override;
  void publish() override;

  std::uint64_t generation() const { return generation_; }
  // The server has welcomed us: from here on frames may be sent.
  void welcomed(std::optional<clock::duration> ping);
  // Takes a frame for sending, or says false: then nothing of it is ever sent (law R7).
  bool send(std::string frame);
  std::size_t buffered_bytes() const { return buffered_bytes_; }

  // The heartbeat: when to look, and the look itself, which may end the socket.
  std::optional<clock::time_point> deadline() const;
  void check();
  // Whether bytes came since the ping that welcomed() sent.
  bool proved();

 private:
  struct outgoing {
    std::string text;
    bool ping = false;
  };

  asio::awaitable<void> run();
  asio::awaitable<bool> open();
  asio::awaitable<void> read();
  asio::awaitable<void> write();
  asio::awaitable<void> close();
  void enqueue(outgoing item);
  bool dead();
  void fail(socket_failure failure);
  void fail(std::string reason) { fail(socket_failure{std::move(reason)}); }

  std::shared_ptr<transport_context> shared_;
  transport_sink* sink_;  // null once stopped, or told of the end
  std::uint64_t generation_;
  bool refresh_;
  clock clock_;
  heartbeat heartbeat_;
  std::unique_ptr<websocket::connection> connection_;
  asio::cancellation_signal cancel_connect_;
  std::deque<outgoing> out_;
  std::size_t buffered_bytes_ = 0;
  bool connecting_ = false, writing_ = false, welcomed_ = false, closing_ = false;
  std::optional<clock::duration> bye_retry_;
};

}  // namespace tidewire::realtime
