#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/core/types.hpp>
#include <tidewire/lab/detail/task.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace tidewire::lab {

class world;

namespace detail {
class loop;
}

// A process of the simulated machine: an execution context whose handlers run in its world's loop
// and whose tidewire::clock and tidewire::timer are the world's. It can be killed at any moment:
// nothing of it runs after that, as after SIGKILL; its pending handlers and coroutine frames are
// destroyed (destructors run, code does not).
//
// Strands, co_spawn, use_awaitable, `||` and cancellation work on its executor. Single-threaded:
// everything happens on the thread that runs the world. The world must outlive its processes, and a
// process the objects that hold its executor.
class process : public asio::execution_context {
 public:
  class executor_type;

  explicit process(world& w);
  // Kills.
  ~process();

  executor_type get_executor() noexcept;

  bool alive() const noexcept { return alive_; }
  // Idempotent. May be called by a handler of the process itself: that one runs to its next wait.
  void kill();

 protected:
  explicit process(detail::loop& l);

 private:
  class virtual_time;
  friend class executor_type;

  bool runs_here() const noexcept;
  void push(detail::task work);

  detail::loop& loop_;
  std::unique_ptr<virtual_time> time_;
  bool alive_ = true;
};

// Fits asio::any_io_executor. dispatch() from within the world's loop calls the function at once,
// post() queues it behind all others.
class process::executor_type {
 public:
  process& query(asio::execution::context_t) const noexcept { return *process_; }
  asio::execution::blocking_t query(asio::execution::blocking_t) const noexcept {
    if (never_) return asio::execution::blocking.never;
    return asio::execution::blocking.possibly;
  }
  asio::execution::relationship_t query(asio::execution::relationship_t) const noexcept {
    if (continuation_) return asio::execution::relationship.continuation;
    return asio::execution::relationship.fork;
  }
  // The world knows by itself whether anything is pending: tracking changes nothing.
  asio::execution::outstanding_work_t query(asio::execution::outstanding_work_t) const noexcept {
    if (tracked_) return asio::execution::outstanding_work.tracked;
    return asio::execution::outstanding_work.untracked;
  }
  static constexpr asio::execution::mapping_t query(asio::execution::mapping_t) noexcept {
    return asio::execution::mapping.thread;
  }
  static std::allocator<void> query(asio::execution::allocator_t<void>) noexcept { return {}; }

  executor_type require(asio::execution::blocking_t::possibly_t) const noexcept {
    return {process_, false, continuation_, tracked_};
  }
  executor_type require(asio::execution::blocking_t::never_t) const noexcept {
    return {process_, true, continuation_, tracked_};
  }
  executor_type require(asio::execution::relationship_t::fork_t) const noexcept {
    return {process_, never_, false, tracked_};
  }
  executor_type require(asio::execution::relationship_t::continuation_t) const noexcept {
    return {process_, never_, true, tracked_};
  }
  executor_type require(asio::execution::outstanding_work_t::tracked_t) const noexcept {
    return {process_, never_, continuation_, true};
  }
  executor_type require(asio::execution::outstanding_work_t::untracked_t) const noexcept {
    return {process_, never_, continuation_, false};
  }

  template <class Function>
  void execute(Function&& f) const {
    using callable = std::decay_t<Function>;
    callable call(std::forward<Function>(f));
    if (!never_ && process_->runs_here()) {
      call();
      return;
    }
    process_->push(detail::task([call = std::move(call)](bool) mutable { call(); }));
  }

  friend bool operator==(const executor_type&, const executor_type&) noexcept = default;

 private:
  friend class process;
  executor_type(process* p, bool never, bool continuation, bool tracked) noexcept
      : process_(p), never_(never), continuation_(continuation), tracked_(tracked) {}

  process* process_;
  bool never_, continuation_, tracked_;
};

inline process::executor_type process::get_executor() noexcept {
  return {this, false, false, false};
}

}  // namespace tidewire::lab
