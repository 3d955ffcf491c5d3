#pragma once

#include <tidewire/core/initiate.hpp>
#include <tidewire/core/types.hpp>
#include <tidewire/mail/message.hpp>
#include <tidewire/mail/send_result.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tidewire::mail {

// Addresses of the transport, where they differ from those in the message: an empty sender for a
// message that must not bounce, a sender of its own for each recipient (VERP).
struct envelope {
  std::optional<std::string> from;  // unset: message::from; empty: the null sender <>
  std::optional<std::string> to;    // unset: message::to
};

// Sends messages. One interface for SMTP and for what tests put in its place. Calls may come from
// any thread.
class client {
 public:
  virtual ~client() = default;
  virtual executor get_executor() const = 0;

  // void(error_code, send_result). What a server or a network did is an outcome, not an error.
  // Errors: mail::errc for a message that can't be sent (nothing was done, send_result::text says
  // why), operation_aborted after a cancellation, tidewire::errc::stopped after a stop. With the
  // last two the outcome counts as well: it is `unknown` when the final dot was sent already, else
  // `retry`. Cancellation: terminal; ends the connection.
  template <class Token = asio::use_awaitable_t<>>
  auto async_send(message m, envelope e = {}, Token&& token = {}) {
    return initiate<void(error_code, send_result)>(
        [this, m = std::make_unique<message>(std::move(m)),
         e = std::make_unique<envelope>(std::move(e))](
            asio::any_completion_handler<void(error_code, send_result)> done) mutable {
          start(std::move(*m), std::move(*e), std::move(done));
        },
        std::forward<Token>(token));
  }

  // Ends everything; completes when all handlers have returned. Idempotent.
  template <class Token = asio::use_awaitable_t<>>
  auto async_stop(Token&& token = {}) {
    return initiate<void()>(
        [this](asio::any_completion_handler<void()> done) { stop(std::move(done)); },
        std::forward<Token>(token));
  }

 protected:
  virtual void start(message m, envelope e,
                     asio::any_completion_handler<void(error_code, send_result)> done) = 0;
  virtual void stop(asio::any_completion_handler<void()> done) = 0;
};

}  // namespace tidewire::mail
