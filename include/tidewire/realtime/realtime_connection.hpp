#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/core/initiate.hpp>
#include <tidewire/core/signal.hpp>
#include <tidewire/http/client.hpp>
#include <tidewire/realtime/connection_options.hpp>
#include <tidewire/realtime/cursor_store.hpp>
#include <tidewire/realtime/error.hpp>
#include <tidewire/realtime/message_codec.hpp>
#include <tidewire/realtime/mode.hpp>
#include <tidewire/realtime/receipt.hpp>
#include <tidewire/websocket/client.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace tidewire::realtime {

// Data flows by that transport from now on.
struct connected_event {
  realtime::mode mode;
};
// The WebSocket was lost (polls fill the gap, and it is opened again), or the connection was
// stopped.
struct disconnected_event {
  std::string reason;
  bool intentional = false;
};
// Something failed and will be tried again: a poll, a publication, an attempt to connect.
struct error_event {
  error_code error;
  std::string detail;  // for people
};

struct connection_status {
  realtime::mode mode = mode::disconnected;
  std::uint32_t reconnect_attempts = 0;
  bool connecting = false;
  bool polling = false;  // also while a lost WebSocket is opened again
  std::size_t unanswered_publications = 0;
  std::uint64_t delivered = 0, duplicates_dropped = 0, resets = 0;
};

// What a connection works with; borrowed, and must outlive it. `sockets` and `http` share one
// executor: the connection's. One of them may be missing together with its URL.
struct connection_parts {
  websocket::client* sockets = nullptr;
  http::client* http = nullptr;
  cursor_store* store = nullptr;
};

// One stream of messages over WebSocket and polling, by one cursor: in order, each once, with a
// reset where the server's log can't be followed (laws R1 to R12 of docs/realtime.md). Falls back
// to polling and returns from it by itself. Publications are sent until they are answered.
//
// Runs on the clients' executor, a strand or a single thread. async_ operations may be called from
// any thread; everything else, and the signals, belong to that executor. A listener may throw,
// block, disconnect itself or destroy the connection. Destroying it ends everything at once;
// pending operations complete with errc::stopped (of the core). The clients' executor must run on
// for that.
class realtime_connection {
 public:
  // Without a codec: our own wire. errors of options are answered by async_connect
  // (errc::invalid_argument of the core).
  realtime_connection(context ctx, connection_parts parts, connection_options options,
                      std::unique_ptr<message_codec> codec = nullptr);
  ~realtime_connection();
  realtime_connection(const realtime_connection&) = delete;
  realtime_connection& operator=(const realtime_connection&) = delete;

  // void(error_code, mode). Begins, or joins what is under way: all who wait get the same outcome.
  // Success with mode::polling when the WebSocket could not be opened. errc::refused: 401, also
  // with new credentials; errc::unavailable: no WebSocket, and no poll URL. In both cases the
  // connection goes on trying. What the store says when cursors can't be loaded: then nothing was
  // begun. Cancellation: stops waiting, not connecting.
  template <class Token = asio::use_awaitable_t<>>
  auto async_connect(Token&& token = {}) {
    return initiate<void(error_code, mode)>(
        [this](asio::any_completion_handler<void(error_code, mode)> done) {
          start_connect(std::move(done));
        },
        std::forward<Token>(token));
  }

  // True: the mode is websocket and the frame was taken for sending. False: it is never sent (other
  // modes, a dead socket, a full buffer). No receipt, and no second chance: see async_publish().
  bool send(std::string frame);

  // void(error_code, publish_receipt). `data` is JSON text. Waits while the queue is full. Sent, on
  // any transport and again, until it is answered; success is receipt_state::acked. errc::rejected,
  // errc::unconfirmed, or the reason why it ended sooner; the receipt always tells what is known.
  // Cancellation: withdraws it. An `id` of your own makes a message that you publish again after a
  // restart the same one; empty: a new one.
  template <class Token = asio::use_awaitable_t<>>
  auto async_publish(std::string channel, std::string data, std::string id, Token&& token = {}) {
    auto p = std::make_unique<publication>();
    p->id = std::move(id);
    p->channel = std::move(channel);
    p->data = std::move(data);
    return initiate<void(error_code, publish_receipt)>(
        [this,
         p = std::move(p)](asio::any_completion_handler<void(error_code, publish_receipt)> done) {
          start_publish(std::move(*p), std::move(done));
        },
        std::forward<Token>(token));
  }

  // void(): ends everything in good order and stores the cursors. Nothing is delivered after it
  // completed. Idempotent.
  template <class Token = asio::use_awaitable_t<>>
  auto async_stop(Token&& token = {}) {
    return initiate<void()>(
        [this](asio::any_completion_handler<void()> done) { start_stop(std::move(done)); },
        std::forward<Token>(token));
  }

  connection_status status() const;
  // Up to where listeners have seen a channel; empty for one that is not subscribed.
  cursor cursor_of(const std::string& channel) const;
  const std::string& client_id() const;
  executor get_executor() const;

  signal<message>& on_message();
  signal<reset>& on_reset();
  signal<connected_event>& on_connected();
  signal<disconnected_event>& on_disconnected();
  signal<error_event>& on_error();

 private:
  void start_connect(asio::any_completion_handler<void(error_code, mode)> done);
  void start_publish(publication p,
                     asio::any_completion_handler<void(error_code, publish_receipt)> done);
  void start_stop(asio::any_completion_handler<void()> done);

  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tidewire::realtime
