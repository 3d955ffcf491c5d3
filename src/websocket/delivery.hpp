#pragma once

#include <tidewire/core/types.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <utility>

namespace tidewire::websocket {

// A user's handler with the rules of completing it: once, on its own executor, with its
// cancellation slot given back before. Empty ones do nothing. Kept by pointer, since erased
// handlers can't be assigned.
template <class... Args>
class delivery {
 public:
  using handler = asio::any_completion_handler<void(error_code, Args...)>;

  delivery() = default;
  delivery(executor fallback, handler done)
      : state_(std::make_unique<state>(state{std::move(fallback), std::move(done)})) {}

  // `abort` is called, on the connection's executor, when the user cancels.
  template <class F>
  void on_cancel(F abort) {
    auto slot = asio::get_associated_cancellation_slot(state_->done);
    if (!slot.is_connected()) return;
    slot.assign([ex = state_->fallback, abort = std::move(abort)](asio::cancellation_type) {
      asio::dispatch(ex, abort);
    });
  }

  // From a handler of the connection's executor.
  void now(error_code ec, Args... args) {
    if (!state_) return;
    auto s = std::move(state_);
    auto ex = asio::get_associated_executor(s->done, s->fallback);
    asio::dispatch(ex, [s = std::move(s), ec, ... args = std::move(args)]() mutable {
      auto done = std::move(s->done);
      s.reset();
      if (auto slot = asio::get_associated_cancellation_slot(done); slot.is_connected())
        slot.clear();
      std::move(done)(ec, std::move(args)...);
    });
  }

  // From within a call of the user's.
  void later(error_code ec, Args... args) {
    if (!state_) return;
    auto ex = state_->fallback;
    asio::post(ex, [self = std::move(*this), ec, ... args = std::move(args)]() mutable {
      self.now(ec, std::move(args)...);
    });
  }

 private:
  struct state {
    executor fallback;
    handler done;
  };
  std::unique_ptr<state> state_;
};

}  // namespace tidewire::websocket
