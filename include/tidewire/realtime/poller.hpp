#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/core/initiate.hpp>
#include <tidewire/core/signal.hpp>
#include <tidewire/realtime/error.hpp>
#include <tidewire/realtime/poll_function.hpp>
#include <tidewire/realtime/poll_pace.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tidewire::realtime {

enum class first_poll {
  at_once,
  after_interval,   // one interval after start()
  within_interval,  // at a random time within it: for many pollers that are started together
};

struct poll_options {
  poll_pace pace{};
  first_poll first = first_poll::at_once;
  // Of one poll; `wait` is added to it. Zero: no limit.
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  // Long-poll: how long the server may hold an answer back. The interval then counts from the begin
  // of a poll and is not adapted. Zero: no long-poll.
  std::chrono::nanoseconds wait = std::chrono::nanoseconds(0);
  std::string cursor;  // where an earlier process had arrived
};

// A snapshot.
struct poll_status {
  bool polling = false;    // between start() and the end
  bool in_flight = false;  // a poll is under way
  bool paused = false;     // by pause(), or offline
  // The wait chosen last, that of an error or a Retry-After included.
  std::chrono::nanoseconds current_interval{};
  std::uint32_t consecutive_errors = 0;
  std::optional<std::chrono::system_clock::time_point> last_success;
  std::uint64_t polls = 0, changes = 0;  // since construction
  std::string cursor;
};

// A poll failed, or was told to come back later.
struct poll_failure {
  error_code error;
  std::string detail;                    // for people
  std::uint32_t consecutive_errors = 0;  // this one included if it counts
  // Until the next poll; nothing when this failure ended the polling.
  std::optional<std::chrono::nanoseconds> next_delay;
};

// The polling ended. No error: by async_stop(). Otherwise errc::refused, errc::too_many_errors or
// core's invalid_argument.
struct poll_end {
  error_code reason;
  std::string detail;
};

namespace detail {

// What the driver needs of the typed part.
class poll_port {
 public:
  virtual ~poll_port() = default;
  virtual asio::awaitable<poll_note> ask(const poll_request& request) = 0;
  virtual void deliver() = 0;  // the value that came last
};

}  // namespace detail

// The part of a poller that does not depend on the value's type; see poller.
class poller_base {
 public:
  poller_base(const poller_base&) = delete;
  poller_base& operator=(const poller_base&) = delete;

  // Begins to poll; nothing while polling already. After an end it begins anew: errors are
  // forgotten; cursor, validator and a Retry-After stay.
  void start();
  // No further polls until resume(), which polls at once when one is overdue; a poll in flight is
  // still delivered. For windows that nobody sees. Holds over stop and start.
  void pause();
  void resume();
  // A change was learnt of elsewhere: the interval is as after a change that a poll saw.
  void note_change();

  // void(): ends the polling, cancels the poll in flight and completes when everything has ended.
  // Nothing is delivered after that. Idempotent, fine before start().
  template <class Token = asio::use_awaitable_t<>>
  auto async_stop(Token&& token = {}) {
    return initiate<void()>(
        [this](asio::any_completion_handler<void()> done) { stop(std::move(done)); },
        std::forward<Token>(token));
  }

  // void(error_code, bool changed): polls now and completes with that poll's outcome, after its
  // listeners. Joins a poll in flight; waits out a Retry-After; works while paused or offline.
  // errc::stopped (core) when not polling, or when the polling ends meanwhile. Cancelling ends the
  // wait alone.
  template <class Token = asio::use_awaitable_t<>>
  auto async_poll_now(Token&& token = {}) {
    return initiate<void(error_code, bool)>(
        [this](asio::any_completion_handler<void(error_code, bool)> done) {
          poll_now(std::move(done));
        },
        std::forward<Token>(token));
  }

  poll_status status() const;

  // Connect before start() or on the executor. Listeners run there, and may do anything: throw,
  // stop, destroy the poller.
  signal<poll_failure>& failures();
  signal<poll_end>& stopped();

 protected:
  poller_base(context ctx, std::shared_ptr<detail::poll_port> port, poll_options options);
  ~poller_base();

 private:
  void stop(asio::any_completion_handler<void()> done);
  void poll_now(asio::any_completion_handler<void(error_code, bool)> done);

  struct impl;
  std::shared_ptr<impl> impl_;
};

// Asks again and again, politely, and tells what changed (laws P1-P5 of docs/realtime): one poll at
// a time, an interval that follows the changes, errors that are spread and slower than health,
// Retry-After obeyed, nothing while paused or offline and at once when online again. A poller that
// is not polling, paused or offline has no timer.
//
// Runs on context.exec, which must be a strand or have one thread; for poll_text() and poll_json()
// it must be the client's. start(), pause(), resume(), note_change(), status() and the async_
// operations may be called from any thread. Destroy it on the executor or when async_stop() has
// completed: nothing is delivered from then on.
template <class T>
class poller : public poller_base {
 public:
  poller(context ctx, poll_function<T> function, poll_options options = {})
      : poller(std::move(ctx), std::make_shared<typed_port>(std::move(function)),
               std::move(options)) {}
  ~poller() { port_->listeners = nullptr; }

  // Each change, once, in order. Connect before start() or on the executor.
  signal<T>& data() { return data_; }

 private:
  struct typed_port final : detail::poll_port {
    explicit typed_port(poll_function<T> f) : function(std::move(f)) {}

    asio::awaitable<poll_note> ask(const poll_request& request) override {
      auto asked = function(request);
      poll_answer<T> answer = co_await std::move(asked);
      value = std::move(answer.value);
      poll_note note = std::move(answer);
      co_return note;
    }
    void deliver() override {
      auto out = std::exchange(value, T());
      if (listeners) listeners->emit(out);
    }

    poll_function<T> function;
    T value{};
    signal<T>* listeners = nullptr;  // the poller's, while there is one
  };

  poller(context ctx, std::shared_ptr<typed_port> port, poll_options options)
      : poller_base(std::move(ctx), port, std::move(options)), port_(std::move(port)) {
    port_->listeners = &data_;
  }

  std::shared_ptr<typed_port> port_;
  signal<T> data_;
};

}  // namespace tidewire::realtime
