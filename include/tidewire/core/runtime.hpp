#pragma once

#include <tidewire/core/types.hpp>

#include <functional>
#include <memory>
#include <tuple>
#include <utility>

namespace tidewire {

// A thread and an executor for programs that don't use Asio themselves.
//
// Give get_executor() to Tidewire's objects and wrap callbacks with deliver(): they then run
// through the post-function (a GUI loop's "call this later"), or on the runtime's own thread when
// none was given. After stop() has returned none of them runs any more, even if it was posted
// before; stop() waits for one that is running on another thread, so don't call it with a lock held
// that callbacks take. Callbacks run one at a time and must not throw. Thread-safe.
//
// Objects that were given the executor must not be used after stop() and be destroyed before the
// runtime.
class runtime {
 public:
  using task = std::function<void()>;
  // Must run the task later on the user's thread; never from inside the call. Thread-safe.
  using post_function = std::function<void(task)>;

  explicit runtime(post_function post = nullptr);
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;
  // Stops. Must not run on the runtime's own thread (call stop() there and destroy it elsewhere).
  ~runtime();

  executor get_executor() const;

  // Hands `call` to the user's side; dropped without a call once stopped.
  void deliver(task call);

  // Wraps a callback for use as a completion handler. The wrapper may be called from any thread and
  // may outlive the runtime.
  template <class Callback>
  auto callback(Callback call) {
    return [out = outlet(), shared = std::make_shared<Callback>(std::move(call))](auto... args) {
      auto values = std::make_shared<std::tuple<decltype(args)...>>(std::move(args)...);
      out([shared, values] { std::apply(*shared, std::move(*values)); });
    };
  }

  // Ends the thread; work still running on the executor is abandoned. Idempotent. Called on the
  // runtime's own thread it returns at once, and the thread ends when the caller returns to it.
  void stop();

 private:
  struct impl;
  post_function outlet() const;

  std::unique_ptr<impl> impl_;
};

}  // namespace tidewire
