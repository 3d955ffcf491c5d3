#pragma once

#include <tidewire/core/stop_gate.hpp>
#include <tidewire/core/types.hpp>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace tidewire {

// Runs the coroutine `body` on `strand` and completes `handler` exactly once on the handler's own
// executor (by default the strand), never from inside this call or the body. Until then the
// handler's context is kept from running out of work; both contexts must outlive the operation, and
// when one is destroyed before, the handler is destroyed uncalled.
//
// Why not co_spawn with the user's handler: in Boost 1.81 its cancellation slot is then touched by
// two threads when a cancel comes from another one (`op || timer` on a thread pool), a use after
// free. Here the user's slot holds a function that only posts to the strand, by shared state; the
// signal that the coroutine sees lives and is emitted on the strand alone.
//
// The slot is written once, here, and not touched again: after completion the function in it does
// nothing. (A coroutine clears its slot itself where it goes on.) So the user may emit from any
// thread once the call has returned, may destroy the signal before completion, and a cancel that
// meets the completion is harmless. A cancel that comes before the body has started is delivered to
// its first wait. As with any co_spawn only terminal cancellation arrives, unless the body asks for
// more with reset_cancellation_state.
//
// A body that returns awaitable<result<T>> completes void(error_code, T), as does one of
// awaitable<pair<error_code, T>> whose value counts after an error too; awaitable<error_code>
// completes void(error_code). The body reports by value. A boost::system::system_error that escapes
// it (Asio throws operation_aborted where a coroutine is resumed after a cancel) becomes its code;
// any other exception is a bug and ends the program, since there is nobody to tell.
//
// `gate`, when there is one, counts the operation from its start on the strand until `handler` has
// returned.
namespace detail {

template <class Handler>
struct initiate_on_state {
  initiate_on_state(executor ex, Handler h, std::shared_ptr<stop_gate> g)
      : strand(std::move(ex)),
        handler(std::move(h)),
        gate(std::move(g)),
        handler_executor(asio::prefer(asio::get_associated_executor(handler, strand),
                                      asio::execution::outstanding_work.tracked)) {}

  executor strand;
  Handler handler;
  std::shared_ptr<stop_gate> gate;
  asio::any_completion_executor handler_executor;

  // Touched on the strand alone.
  asio::cancellation_signal signal;
  asio::cancellation_type early = asio::cancellation_type::none;  // came before the start
  bool started = false;
  bool done = false;
};

template <class State>
void post_cancel(const std::shared_ptr<State>& state, asio::cancellation_type type) {
  asio::post(state->strand, [state, type] {
    if (!state->started)
      state->early |= type;
    else if (!state->done)  // the slots inside a coroutine that has ended point nowhere
      state->signal.emit(type);
  });
}

// Goes through the strand's queue first: the coroutine may have been resumed from deep inside its
// object, and a user's handler must be free to destroy that object.
template <class State, class... Args>
void complete_on_handler(const std::shared_ptr<State>& state, Args... args) {
  state->done = true;
  asio::post(state->strand, [state, ... args = std::move(args)]() mutable {
    auto ex = std::move(state->handler_executor);
    asio::dispatch(ex, [state = std::move(state), ... args = std::move(args)]() mutable {
      auto handler = std::move(state->handler);
      auto gate = std::move(state->gate);
      auto strand = state->strand;
      state.reset();
      std::move(handler)(std::move(args)...);
      if (gate) asio::post(strand, [gate] { gate->end(); });
    });
  });
}

// The code of an escaped system_error; terminates on anything else.
error_code code_of(const std::exception_ptr& failure) noexcept;

template <class State>
void finish(const std::shared_ptr<State>& state, const std::exception_ptr& failure,
            error_code outcome) {
  complete_on_handler(state, failure ? code_of(failure) : outcome);
}

template <class State, class T>
void finish(const std::shared_ptr<State>& state, const std::exception_ptr& failure,
            result<T> outcome) {
  if (failure) outcome = code_of(failure);
  if (outcome)
    complete_on_handler(state, error_code(), std::move(*outcome));
  else
    complete_on_handler(state, outcome.error(), T());
}

template <class State, class T>
void finish(const std::shared_ptr<State>& state, const std::exception_ptr& failure,
            std::pair<error_code, T> outcome) {
  if (failure) outcome.first = code_of(failure);
  complete_on_handler(state, outcome.first, std::move(outcome.second));
}

template <class State, class Body>
void start_on_strand(const std::shared_ptr<State>& state, Body body) {
  state->started = true;
  auto done = [state](const std::exception_ptr& failure, auto outcome) {
    finish(state, failure, std::move(outcome));
  };
  asio::co_spawn(state->strand, std::move(body),
                 asio::bind_cancellation_slot(state->signal.slot(), std::move(done)));
  if (state->early != asio::cancellation_type::none && !state->done)
    state->signal.emit(state->early);
}

}  // namespace detail

template <class Signature, class Body>
void initiate_on(executor strand, asio::any_completion_handler<Signature> handler, Body body,
                 std::shared_ptr<stop_gate> gate = nullptr) {
  using state_type = detail::initiate_on_state<asio::any_completion_handler<Signature>>;
  auto state = std::make_shared<state_type>(std::move(strand), std::move(handler), std::move(gate));
  if (auto slot = asio::get_associated_cancellation_slot(state->handler); slot.is_connected()) {
    slot.assign([weak = std::weak_ptr(state)](asio::cancellation_type type) {
      if (auto alive = weak.lock()) detail::post_cancel(alive, type);
    });
  }
  // The body must start on the strand: the signal's slot is connected there too.
  asio::post(state->strand, [state, body = std::move(body)]() mutable {
    if (state->gate) state->gate->begin();
    detail::start_on_strand(state, std::move(body));
  });
}

}  // namespace tidewire
