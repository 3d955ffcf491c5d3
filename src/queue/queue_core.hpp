#pragma once

#include "queue/attempt.hpp"
#include "queue/store_desk.hpp"

#include <tidewire/core/stop_gate.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tidewire::queue {

// The driver behind task_queue: wishes for tasks while there are free places, runs their handlers,
// watches their deadlines, and hands their outcomes to the desk. Touched on the strand alone unless
// said otherwise.
class queue_core : public std::enable_shared_from_this<queue_core> {
 public:
  queue_core(context c, std::shared_ptr<task_store> s, task_queue_options o, executor where);
  void begin();    // once it is shared
  void abandon();  // thread-safe: the owner goes

  void on(std::string kind, task_handler handler);                   // thread-safe
  result<task_handle> add(task_handler function, new_task options);  // thread-safe
  void fill(new_task& task) const;                                   // thread-safe

  asio::awaitable<result<std::vector<insert_outcome>>> enqueue(std::vector<new_task> tasks);
  asio::awaitable<result<task_handle>> enqueue_one(new_task task);
  asio::awaitable<std::pair<error_code, task_result>> wait(task_id id);
  asio::awaitable<result<cancel_answer>> cancel(task_id id);
  asio::awaitable<error_code> pause(bool yes);
  asio::awaitable<result<queue_status>> status();
  asio::awaitable<error_code> call(std::function<error_code(task_store&, queue_time)> c);
  asio::awaitable<error_code> stop();
  void schedule(std::string name, cron_schedule when, new_task task);

  context ctx;
  executor strand;
  const task_queue_options options;
  std::shared_ptr<task_store> store;
  std::shared_ptr<stop_gate> gate;
  // Gone with the queue, so that nothing is told afterwards.
  std::shared_ptr<task_events> events = std::make_shared<task_events>();
  // Gives the executor for blocking handlers.
  std::function<executor()> blocking;
  std::shared_ptr<store_desk> desk;

 private:
  using attempt_ptr = std::shared_ptr<detail::attempt>;
  // Somebody who waits for an answer on the strand.
  template <class T>
  struct waiter {
    explicit waiter(const executor& ex) : wake(ex) {}
    timer wake;
    std::optional<result<T>> value;
  };
  template <class T>
  using waiter_ptr = std::shared_ptr<waiter<T>>;
  using result_waiter = waiter_ptr<std::optional<task_result>>;

  template <class T>
  asio::awaitable<result<T>> await(waiter_ptr<T> w);
  template <class T>
  asio::awaitable<result<T>> ask_store(std::function<result<T>(task_store&, queue_time)> c);

  void wake();  // thread-safe: there may be something to claim
  void pump();
  void hold();
  void let_go();
  void take(store_desk::report report);
  void take_settled(store_desk::settled& s);
  void take_due(const due_answer& due);
  void take_renewal(const renewal& r);
  void heed_pause(bool yes);
  void look_whether_paused();
  bool knows(const new_task& task) const;
  void start_some();
  void start(attempt_ptr a);
  void run_coroutine(attempt_ptr a, const task_handler::coroutine& body);
  void run_blocking(attempt_ptr a, const task_handler& handler);
  void ended(attempt_ptr a, outcome how);  // its handler has
  void settle(const attempt_ptr& a, outcome how);
  void tell_to_end(const attempt_ptr& a, detail::ending why);
  void give_back_claimed();
  void watch_deadlines();
  void arm_wake(clock::duration after);
  void note_active();
  void answer_waiters(task_id id, task_state state, const outcome* how);
  void tell_added(std::vector<task_info>& infos, const std::vector<insert_outcome>& all);
  void tick();
  void arm_tick();
  void insert_ticks(std::vector<new_task> due, clock::time_point until);
  void look_for_results();
  void found_result(task_id id, const std::optional<task_record>& record);
  asio::awaitable<void> until_quiet(milliseconds most, bool and_written);
  void arm_look();
  std::shared_ptr<const task_handler> handler_of(const claimed_task& task) const;
  attempt_ptr find_active(task_id id) const;

  clock clock_;
  rng random_;
  std::shared_ptr<void> watch_;
  timer wake_timer_, deadline_timer_, look_timer_;
  struct recurring {
    cron_schedule when;
    new_task task;
    std::chrono::sys_seconds last;  // up to when its ticks are dealt with
  };
  timer tick_timer_;
  std::map<std::string, recurring> schedules_;
  std::deque<attempt_ptr> claimed_;  // not started yet
  std::vector<attempt_ptr> active_;
  std::map<task_id, std::vector<result_waiter>> waiting_;
  // Keeps the program running while only the store has something to do.
  std::optional<asio::executor_work_guard<executor>> working_;
  std::size_t wished_ = 0;             // tasks that the desk was asked for
  std::size_t ended_since_claim_ = 0;  // a measure for how many to claim ahead
  bool dry_ = false;                   // the last wish was not fulfilled: something must change
  bool reap_ = false;
  bool paused_ = false, processing_ = false, stopping_ = false, abandoned_ = false;
  bool looking_ = false, look_again_ = false, look_armed_ = false, in_start_ = false;
  bool looking_at_pause_ = false;
  int changing_pause_ = 0;  // calls of pause() under way
  waiter_ptr<bool> quiet_;  // stop() waits

  mutable std::mutex mutex_;  // of what follows
  std::unordered_map<std::string, std::shared_ptr<const task_handler>> handlers_;
  std::vector<std::string> kinds_;
  bool woken_ = false;
};

}  // namespace tidewire::queue
