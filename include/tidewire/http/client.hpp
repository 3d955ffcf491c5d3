#pragma once

#include <tidewire/core/initiate.hpp>
#include <tidewire/core/types.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/http/message.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace tidewire::http {

// What a handler wants next.
enum class flow {
  proceed,
  pause,  // the bytes just offered were not taken; they come again after exchange_control::resume()
  stop,   // end the exchange with errc::stopped_by_handler
};

// Wakes a paused exchange. Safe to call at any time, from the client's executor; does nothing once
// the exchange is over.
class exchange_control {
 public:
  virtual ~exchange_control() = default;
  virtual void resume() = 0;
};

// Receives a response as it arrives. Called on the client's executor, never after completion.
class exchange_handler {
 public:
  // First of all; keep `control` to resume from a pause.
  virtual void on_start(std::shared_ptr<exchange_control> control) { (void)control; }
  // Once, before the first byte of the body.
  virtual flow on_head(const response_head& head) = 0;
  // The bytes are valid during the call alone.
  virtual flow on_body(std::span<const std::byte> bytes) = 0;

 protected:
  ~exchange_handler() = default;
};

// Produces a request body. Called on the client's executor.
class body_source {
 public:
  // Fills `space` from the front and says how much; 0 is the end. Error try_again pauses until
  // exchange_control::resume(); any other fails the exchange with errc::body_source_failed.
  virtual result<std::size_t> read(std::span<std::byte> space) = 0;
  // Back to the start, when a reused connection turned out dead before anything was answered.
  virtual bool rewind() { return false; }

 protected:
  ~body_source() = default;
};

// Sends requests. One interface for libcurl, the lab's simulated network and a user's own.
//
// Every exchange runs on get_executor(), and a module that streams runs there too: handlers are
// then called on its own strand and need no locks. async_exchange() itself must be called on it as
// well.
class client {
 public:
  virtual ~client() = default;
  virtual executor get_executor() const = 0;

  // void(error_code, exchange_summary). Success means that the response arrived whole, whatever its
  // status. `handler` and request.body are borrowed until completion. Cancellation: the token's
  // slot (operation_aborted). A body that ends with the connection and can't be told from a cut one
  // is a success; see response_head::self_delimited.
  template <class Token = asio::use_awaitable_t<>>
  auto async_exchange(request req, exchange_handler& handler, Token&& token = {}) {
    return initiate<void(error_code, exchange_summary)>(
        [this, &handler, r = std::make_unique<request>(std::move(req))](
            asio::any_completion_handler<void(error_code, exchange_summary)> done) mutable {
          start(std::move(*r), handler, std::move(done));
        },
        std::forward<Token>(token));
  }

  // Cancels every exchange; their handlers complete before `done` does. Idempotent.
  virtual void stop(asio::any_completion_handler<void()> done) = 0;

 protected:
  virtual void start(request req, exchange_handler& handler,
                     asio::any_completion_handler<void(error_code, exchange_summary)> done) = 0;
};

}  // namespace tidewire::http
