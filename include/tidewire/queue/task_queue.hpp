#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/core/initiate.hpp>
#include <tidewire/queue/cron.hpp>
#include <tidewire/queue/task_events.hpp>
#include <tidewire/queue/task_handler.hpp>
#include <tidewire/queue/task_queue_options.hpp>
#include <tidewire/queue/task_store.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::queue {

class queue_core;

// How a task ended.
struct task_result {
  task_id id = 0;
  task_state state = task_state::done;
  std::string result;  // JSON text, when done
  std::string error;   // why not
};

// A task that was enqueued. Cheap to copy; may outlive the queue.
class task_handle {
 public:
  task_handle() = default;
  task_handle(std::weak_ptr<queue_core> core, task_id id, bool duplicate)
      : core_(std::move(core)), id_(id), duplicate_(duplicate) {}

  task_id id() const { return id_; }
  // It was there already, under its name, unique key or tick.
  bool duplicate() const { return duplicate_; }

  // void(error_code, task_result): when the task has ended, wherever it ran. No error: it is done.
  // errc::failed, discarded, cancelled, unknown_outcome; errc::not_found when it was pruned before;
  // core's errc::stopped. Cancelling ends the wait alone.
  template <class Token = asio::use_awaitable_t<>>
  auto async_wait(Token&& token = {}) const {
    return initiate<void(error_code, task_result)>(
        [core = core_, id = id_](asio::any_completion_handler<void(error_code, task_result)> done) {
          start_wait(core, id, std::move(done));
        },
        std::forward<Token>(token));
  }

 private:
  static void start_wait(const std::weak_ptr<queue_core>& core, task_id id,
                         asio::any_completion_handler<void(error_code, task_result)> done);
  std::weak_ptr<queue_core> core_;
  task_id id_ = 0;
  bool duplicate_ = false;
};

// Runs tasks of a store, with priorities, retries, time-outs, leases (laws T1-T11 of
// docs/queue.md). Begins to work when the first handler is registered, or the first function added.
//
// Everything happens on a strand of the context's executor; public functions may be called from any
// thread. Several queues, in several processes, may share a store. Cancelling an operation ends the
// wait for it: what was handed to the store happens all the same. Destroy it when async_stop() has
// completed: the destructor waits for blocking handlers that run.
class task_queue {
 public:
  task_queue(context ctx, std::shared_ptr<task_store> store, task_queue_options options = {});
  ~task_queue();
  task_queue(const task_queue&) = delete;
  task_queue& operator=(const task_queue&) = delete;

  // Tasks of this kind are run here from now on. A second handler takes the first one's place.
  void on(std::string kind, task_handler handler);

  // Adds a function of this process as a task: stores in memory only (errc::in_process_only), at
  // once. `options` may say anything but kind and payload.
  result<task_handle> add(task_handler function, new_task options = {});

  // void(error_code, task_handle): the task is in the store, and survives what the store survives.
  // errc by what is wrong with it; core's errc::limit_exceeded, errc::stopped; the store's errors,
  // after which it may be there all the same: give it a name and enqueue it again.
  template <class Token = asio::use_awaitable_t<>>
  auto async_enqueue(new_task task, Token&& token = {}) {
    return initiate<void(error_code, task_handle)>(
        [this, t = std::make_unique<new_task>(std::move(task))](
            asio::any_completion_handler<void(error_code, task_handle)> done) {
          start_enqueue(std::move(*t), std::move(done));
        },
        std::forward<Token>(token));
  }

  // void(error_code, vector<insert_outcome>): many in one transaction; each has its own outcome.
  template <class Token = asio::use_awaitable_t<>>
  auto async_enqueue_all(std::vector<new_task> tasks, Token&& token = {}) {
    return initiate<void(error_code, std::vector<insert_outcome>)>(
        [this, t = std::make_shared<std::vector<new_task>>(std::move(tasks))](
            asio::any_completion_handler<void(error_code, std::vector<insert_outcome>)> done) {
          start_enqueue_all(std::move(*t), std::move(done));
        },
        std::forward<Token>(token));
  }

  // Enqueues `task` at every tick of the schedule (by the wall clock, in UTC), once over all queues
  // that have a schedule of this name on the same store. Ticks that nobody was there for are not
  // made up. A second call replaces the first one's.
  void schedule(std::string name, cron_schedule when, new_task task);

  // Of a task that is in the store already.
  task_handle handle(task_id id) const;

  // void(error_code, cancel_answer)
  template <class Token = asio::use_awaitable_t<>>
  auto async_cancel(task_id id, Token&& token = {}) {
    return initiate<void(error_code, cancel_answer)>(
        [this, id](asio::any_completion_handler<void(error_code, cancel_answer)> done) {
          start_cancel(id, std::move(done));
        },
        std::forward<Token>(token));
  }

  // void(error_code): for all workers of the store. Once it has completed nothing starts here, and
  // nothing is claimed anywhere; handlers that run go on.
  template <class Token = asio::use_awaitable_t<>>
  auto async_pause(Token&& token = {}) {
    return set_paused(true, std::forward<Token>(token));
  }
  template <class Token = asio::use_awaitable_t<>>
  auto async_resume(Token&& token = {}) {
    return set_paused(false, std::forward<Token>(token));
  }

  // void(error_code, queue_status)
  template <class Token = asio::use_awaitable_t<>>
  auto async_status(Token&& token = {}) {
    return initiate<void(error_code, queue_status)>(
        [this](asio::any_completion_handler<void(error_code, queue_status)> done) {
          start_status(std::move(done));
        },
        std::forward<Token>(token));
  }

  // void(error_code, T): any other call of the store (find, list, replay, hasten …), between the
  // queue's own. Not for long work: leases wait meanwhile.
  template <class T, class Token = asio::use_awaitable_t<>>
  auto async_call(std::function<result<T>(task_store&, queue_time)> call, Token&& token = {}) {
    return initiate<void(error_code, T)>(
        [this, c = std::move(call)](asio::any_completion_handler<void(error_code, T)> done) {
          auto value = std::make_shared<std::optional<T>>();
          auto slot = asio::get_associated_cancellation_slot(done);
          auto ex = asio::get_associated_executor(done, get_executor());
          auto ended = [value, d = std::move(done)](error_code ec) mutable {
            std::move(d)(ec, ec ? T() : std::move(**value));
          };
          start_call(
              [value, c](task_store& store, queue_time now) {
                auto answer = c(store, now);
                if (!answer) return answer.error();
                value->emplace(std::move(*answer));
                return error_code();
              },
              asio::bind_cancellation_slot(slot, asio::bind_executor(ex, std::move(ended))));
        },
        std::forward<Token>(token));
  }

  // void(error_code): starts nothing more, waits for handlers (options.stop_grace), tells them to
  // end, waits again (cancel_grace), and completes when all is written. errc::timed_out (core):
  // handlers run still; their leases will end. Idempotent.
  template <class Token = asio::use_awaitable_t<>>
  auto async_stop(Token&& token = {}) {
    return initiate<void(error_code)>(
        [this](asio::any_completion_handler<void(error_code)> done) {
          start_stop(std::move(done));
        },
        std::forward<Token>(token));
  }

  task_events& events();
  executor get_executor() const;  // the strand

 private:
  template <class Token>
  auto set_paused(bool paused, Token&& token) {
    return initiate<void(error_code)>(
        [this, paused](asio::any_completion_handler<void(error_code)> done) {
          start_pause(paused, std::move(done));
        },
        std::forward<Token>(token));
  }

  void start_enqueue(new_task task, asio::any_completion_handler<void(error_code, task_handle)>);
  void start_enqueue_all(
      std::vector<new_task> tasks,
      asio::any_completion_handler<void(error_code, std::vector<insert_outcome>)>);
  void start_cancel(task_id id, asio::any_completion_handler<void(error_code, cancel_answer)>);
  void start_pause(bool paused, asio::any_completion_handler<void(error_code)>);
  void start_status(asio::any_completion_handler<void(error_code, queue_status)>);
  void start_call(std::function<error_code(task_store&, queue_time)>,
                  asio::any_completion_handler<void(error_code)>);
  void start_stop(asio::any_completion_handler<void(error_code)>);

  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tidewire::queue
