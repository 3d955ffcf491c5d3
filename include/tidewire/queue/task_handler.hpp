#pragma once

#include <tidewire/queue/outcome.hpp>
#include <tidewire/queue/task_context.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <type_traits>
#include <utility>
#include <variant>

namespace tidewire::queue {

// What runs a task: a coroutine `awaitable<outcome>(task_context)` on the queue's strand, a
// function `outcome(task_context)` that may block, on a thread of a pool, or a quick() function
// that runs on the strand and must not block. An exception that leaves it is a retry.
class task_handler {
 public:
  using coroutine = std::function<asio::awaitable<outcome>(task_context)>;
  using function = std::function<outcome(task_context)>;

  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, task_handler>)
      task_handler(F f) {  // NOLINT(google-explicit-constructor): a handler is a callable
    if constexpr (std::is_same_v<std::invoke_result_t<F&, task_context>, outcome>)
      body_.template emplace<1>(std::move(f));
    else
      body_.template emplace<0>(std::move(f));
  }
  static task_handler quick(function f) {
    task_handler out(std::move(f));
    out.quick_ = true;
    return out;
  }

  const coroutine* as_coroutine() const { return std::get_if<0>(&body_); }
  const function* as_function() const { return std::get_if<1>(&body_); }
  bool is_quick() const { return quick_; }

 private:
  std::variant<coroutine, function> body_;
  bool quick_ = false;
};

}  // namespace tidewire::queue
