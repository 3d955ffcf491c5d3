#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/core/initiate.hpp>
#include <tidewire/server/message_store.hpp>
#include <tidewire/server/router.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace tidewire::server {

// Bounds of the hub; sizes of frames and names are in tidewire/realtime/frame.hpp.
struct message_hub_options {
  // Asked for in a hello when the upgrade had no Authorization header, which pages can't send.
  // Empty: none.
  std::string token;
  // Whether a user (the path's; not authenticated by the hub itself) may read or publish. Empty:
  // everybody may do everything. Must be thread-safe.
  enum class action { read, publish };
  std::function<bool(const std::string& user, const std::string& channel, action)> allow;

  // A subscriber that was up to date and falls so far behind is closed: it can't follow. It resumes
  // from the log, as everybody who comes back.
  std::size_t queue_messages = 4096;
  // The newest messages of a channel that somebody listens to are in memory, for all of them; what
  // is older is read from the log.
  std::size_t ring_messages = 1024;
  std::size_t ring_bytes = 1024 * 1024;
  std::size_t all_rings_bytes = 64 * 1024 * 1024;
  std::size_t loaded_channels = 16'384;  // whose state is in memory though nobody listens
  // Messages that wait for the store; beyond, publishers are told to come back.
  std::size_t pending_messages = 4096;
  std::size_t pending_bytes = 16 * 1024 * 1024;
  std::size_t batch_messages = 512;  // in one transaction
  // Of a connection, and, for POST, of an address.
  double publish_per_second = 2000;
  double publish_burst = 4000;
  std::size_t publishing = 64;       // of a connection, not yet acknowledged; then it is not read
  std::size_t waiting_polls = 8192;  // more long-polls are answered at once

  std::chrono::nanoseconds hello_deadline = std::chrono::seconds(10);
  std::chrono::nanoseconds ping = std::chrono::seconds(25);
  unsigned missed_pings = 2;  // then the peer is dead
  std::chrono::nanoseconds write_deadline = std::chrono::seconds(30);
  std::chrono::nanoseconds longest_wait = std::chrono::seconds(55);  // of a long-poll
  // When the server goes, its clients are told to come back at random times within this.
  std::chrono::nanoseconds drain_floor = std::chrono::milliseconds(500);
  std::chrono::nanoseconds drain_spread = std::chrono::seconds(10);
  std::chrono::nanoseconds trim_interval = std::chrono::minutes(1);  // while messages come
};

// Channels of messages over WebSocket and HTTP (docs/realtime.md): what is published is in the
// store's log first, then goes to everybody who subscribed; who comes back is given what he missed,
// and never anything twice. Thread-safe. Must outlive the router's use and the executor's work.
class message_hub {
 public:
  // Calls of `store` are made on `blocking`, one at a time.
  message_hub(context ctx, std::unique_ptr<message_store> store, executor blocking,
              message_hub_options options = {});
  ~message_hub();

  // /realtime/{user}, /chat/{user}, /messages, /chat/messages, /users/{id}/notifications
  void add_routes(router& routes);

  // void(error_code, append_outcome): the message is in the log, or was, or why not.
  // errc::limit_exceeded: too much is waiting for the store, try later; message_errc; the store's.
  // After the store's errors the message may be there all the same: publish it again, same id.
  template <class Token = asio::use_awaitable_t<>>
  auto async_publish(new_message message, Token&& token = {}) {
    return initiate<void(error_code, append_outcome)>(
        [this, m = std::make_unique<new_message>(std::move(message))](
            asio::any_completion_handler<void(error_code, append_outcome)> done) mutable {
          start_publish(std::move(*m), std::move(done));
        },
        std::forward<Token>(token));
  }

  // void(error_code, log_state): a new epoch for a channel whose history is to be forgotten.
  template <class Token = asio::use_awaitable_t<>>
  auto async_begin_anew(std::string channel, Token&& token = {}) {
    return initiate<void(error_code, log_state)>(
        [this, c = std::move(channel)](
            asio::any_completion_handler<void(error_code, log_state)> done) mutable {
          start_begin_anew(std::move(c), std::move(done));
        },
        std::forward<Token>(token));
  }

  // The server goes: long-polls are answered, WebSockets are sent a bye. New ones are refused.
  void drain();

 private:
  void start_publish(new_message message,
                     asio::any_completion_handler<void(error_code, append_outcome)> done);
  void start_begin_anew(std::string channel,
                        asio::any_completion_handler<void(error_code, log_state)> done);
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tidewire::server
