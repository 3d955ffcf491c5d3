#pragma once

#include "change_watch.hpp"
#include "task_queries.hpp"

#include <tidewire/queue_postgres/task_store.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

namespace tidewire::queue_postgres {

// The door to a schema's tasks. What happens to them is in the schema's functions; here the calls
// become statements, and the statements' answers the calls'.
class postgres_task_store final : public queue::task_store {
 public:
  postgres_task_store(store_postgres::connection line, queue::postgres_store_options options);
  ~postgres_task_store() override;

  queue::store_traits traits() const override { return {true, true, false}; }
  result<queue::milliseconds> join_clock(const queue::machine_moment& moment) override;
  result<queue::store_answer> apply(queue::store_work work, queue::queue_time now) override;
  result<queue::renewal> renew(std::span<const queue::held_lease> leases, queue::milliseconds lease,
                               queue::queue_time now) override;
  result<queue::cancel_answer> cancel(queue::task_id id, queue::queue_time now) override;
  result<std::vector<queue::rescued_task>> reap(std::size_t most, queue::queue_time now) override;
  result<queue::due_answer> next_due(std::span<const std::string> kinds,
                                     queue::queue_time now) override;
  result<void> set_paused(bool paused) override;
  result<void> replay(queue::task_id id, queue::queue_time now) override;
  result<std::size_t> replay_all(const queue::task_filter& which, queue::queue_time now) override;
  result<bool> hasten(queue::task_id id, queue::queue_time now) override;
  result<std::size_t> prune(const queue::retention& keep, queue::queue_time now) override;
  result<std::optional<queue::task_record>> find(queue::task_id id) override;
  result<std::optional<queue::task_record>> find(const std::string& name) override;
  result<std::vector<queue::task_record>> list(const queue::task_filter& which) override;
  result<queue::queue_stats> stats(const queue::task_filter& which, queue::queue_time now) override;
  std::shared_ptr<void> watch(std::function<void()> changed) override;

 private:
  using answers = std::vector<store_postgres::rows>;
  template <class Call>
  auto attempt(Call call) -> decltype(call());
  result<store_postgres::rows> ask(const query& q);
  // A call that may make tasks ready or end them: with its notification.
  result<store_postgres::rows> change(const query& q);
  result<answers> run(store_postgres::batch b, bool changes);
  result<std::optional<queue::task_record>> find_one(const query& q);
  void add_notify(store_postgres::batch& b) const;
  void tell_others();
  void changed();
  void tidy();
  void note_moved(std::size_t tasks);

  std::mutex mutex_;  // held during each call
  store_postgres::connection line_;
  queue::postgres_store_options options_;
  std::string channel_, sender_;
  std::chrono::steady_clock::time_point next_connect_{};
  error_code connect_error_;
  std::size_t moved_ = 0;  // tasks that were claimed since the last tidying
  std::shared_ptr<watchers> watchers_ = std::make_shared<watchers>();
  std::unique_ptr<change_watch> watch_;  // begins with the first watcher
};

// Every statement goes by keys. A plan that was made when the tables were small must not scan them
// when they are not.
store_postgres::connection_options line_options(const queue::postgres_store_options& o);

}  // namespace tidewire::queue_postgres
