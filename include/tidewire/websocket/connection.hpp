#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/core/initiate.hpp>
#include <tidewire/core/types.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tidewire::websocket {

// RFC 6455, 7.4.1, and the IANA registry.
enum class close_code : std::uint16_t {
  none = 0,  // no close frame came, or one without a code
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
};

// One whole message; text is well-formed UTF-8.
struct message {
  std::string data;
  bool text = true;
};

// How a connection ended, as far as is known.
struct close_reason {
  close_code code = close_code::none;
  std::string text;
};

// One established WebSocket, of a client or of a server; the same interface for real sockets and
// for the lab's simulated network.
//
// Runs on get_executor(), a strand or a single thread; all calls must come from there. One read and
// one write at a time; both may be under way together. Destroying it drops the connection without a
// close frame; operations under way then complete with operation_aborted.
//
// Nothing in here waits with a time-out of its own, except for the close: whoever uses it owns the
// heartbeat, by async_ping() and last_heard().
class connection {
 public:
  virtual ~connection() = default;
  virtual executor get_executor() const = 0;

  // void(error_code, message): the next message. Control frames are answered on the way. After the
  // peer's close frame: errc::closed, and reason() tells. A message above the connection's limit:
  // errc::message_too_big, after a close frame with 1009 was sent. Cancellation: operation_aborted;
  // the connection is then of no further use.
  template <class Token = asio::use_awaitable_t<>>
  auto async_read(Token&& token = {}) {
    return initiate<void(error_code, message)>(
        [this](asio::any_completion_handler<void(error_code, message)> done) {
          start_read(std::move(done));
        },
        std::forward<Token>(token));
  }

  // void(error_code): the message was handed to the transport. `data` is borrowed until completion.
  template <class Token = asio::use_awaitable_t<>>
  auto async_write(std::string_view data, bool text, Token&& token = {}) {
    return initiate<void(error_code)>(
        [this, data, text](asio::any_completion_handler<void(error_code)> done) {
          start_write(data, text, std::move(done));
        },
        std::forward<Token>(token));
  }

  // While on, messages may be kept back (64 KiB at most), so that many small ones go in one piece:
  // their writes complete before the transport has them. What is written after it was switched off
  // takes them along; something must be.
  virtual void cork(bool) {}

  // void(error_code): a ping; counts as a write.
  template <class Token = asio::use_awaitable_t<>>
  auto async_ping(Token&& token = {}) {
    return initiate<void(error_code)>(
        [this](asio::any_completion_handler<void(error_code)> done) {
          start_ping(std::move(done));
        },
        std::forward<Token>(token));
  }

  // void(error_code): sends a close frame after the write under way and waits for the peer's, at
  // most `close_timeout` of the connection; then drops. A read under way ends with errc::closed.
  // Idempotent. `reason` is cut to what a close frame holds (123 bytes).
  template <class Token = asio::use_awaitable_t<>>
  auto async_close(close_code code, std::string reason, Token&& token = {}) {
    return initiate<void(error_code)>(
        [this, code,
         r = std::move(reason)](asio::any_completion_handler<void(error_code)> done) mutable {
          start_close(code, std::move(r), std::move(done));
        },
        std::forward<Token>(token));
  }

  // Drops the connection at once, as after a lost link: operations under way end with
  // operation_aborted, nothing is sent.
  virtual void abort() = 0;

  // When the last byte of any kind came, frames of control included.
  virtual clock::time_point last_heard() const = 0;

  // Once a read has ended with errc::closed.
  virtual const close_reason& reason() const = 0;

 protected:
  virtual void start_read(asio::any_completion_handler<void(error_code, message)> done) = 0;
  virtual void start_write(std::string_view data, bool text,
                           asio::any_completion_handler<void(error_code)> done) = 0;
  virtual void start_ping(asio::any_completion_handler<void(error_code)> done) = 0;
  virtual void start_close(close_code code, std::string reason,
                           asio::any_completion_handler<void(error_code)> done) = 0;
};

}  // namespace tidewire::websocket
