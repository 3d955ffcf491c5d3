#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/core/initiate.hpp>
#include <tidewire/core/types.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <utility>

namespace tidewire {

class timer_backend;

// Waits on `tidewire::clock`: real time in a program, virtual time in the lab.
//
// Not thread-safe: use it on one strand. One wait at a time. Cancellation: cancel(), destruction, a
// new expiry, another wait or the token's slot complete the pending one with operation_aborted.
class timer {
 public:
  explicit timer(const executor& ex);
  timer(timer&&) noexcept;
  timer& operator=(timer&&) noexcept;
  ~timer();

  executor get_executor() const { return executor_; }
  clock::time_point expiry() const noexcept { return expiry_; }

  // Set the deadline; a pending wait is cancelled. A negative delay is none, one too long for the
  // clock is for ever.
  void expires_at(clock::time_point deadline);
  void expires_after(clock::duration delay);
  void cancel();

  // void(error_code): success when the deadline came, at once if it is past. A lazy token
  // (use_awaitable, deferred) starts the wait later: don't move the timer before that.
  template <class Token = asio::use_awaitable_t<>>
  auto async_wait(Token&& token = {}) {
    return initiate<void(error_code)>(
        [this](asio::any_completion_handler<void(error_code)> handler) {
          start_wait(std::move(handler));
        },
        std::forward<Token>(token));
  }

 private:
  void start_wait(asio::any_completion_handler<void(error_code)> handler);

  executor executor_;
  clock clock_;
  std::unique_ptr<timer_backend> backend_;
  clock::time_point expiry_{};
};

}  // namespace tidewire
