#pragma once

#include "queue/attempt.hpp"
#include "queue/lease_book.hpp"

#include <tidewire/core/backoff.hpp>
#include <tidewire/core/clock.hpp>
#include <tidewire/core/context.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/queue/task_queue_options.hpp>
#include <tidewire/queue/task_store.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::queue {

// The one place where a queue's store is called, one call at a time, on an executor of its own when
// the store blocks. What came while a round was under way is the next round, in one transaction:
// the busier it is, the less each task costs. Also keeps the leases alive, gives up others' that
// have ended, and prunes.
//
// Thread-safe. Reports go to `to`, from the store's executor.
class store_desk final : public detail::progress_sink,
                         public std::enable_shared_from_this<store_desk> {
 public:
  struct settled {
    std::shared_ptr<detail::attempt> who;
    settlement what;
    settle_outcome how;
  };
  struct report {
    error_code error;  // nothing was done, or it is not known; settlements are tried again
    std::vector<settled> settled_tasks;
    bool claimed_any = false;  // there was a wish for tasks
    std::vector<std::shared_ptr<detail::attempt>> claimed;
    std::optional<due_answer> due;  // when less was there than wished for
    std::optional<queue::renewal> renewal;
    std::vector<rescued_task> rescued;
  };
  using inserted = std::function<void(error_code, std::vector<insert_outcome>)>;
  using call = std::function<void(task_store&, queue_time)>;

  store_desk(const context& ctx, std::shared_ptr<task_store> store, executor where,
             task_queue_options options);
  void report_to(std::function<void(report)> to) { to_ = std::move(to); }  // before anything else

  // False: too much waits already, or the desk is closed.
  bool insert(std::vector<new_task> tasks, inserted done);
  void settle(std::shared_ptr<detail::attempt> who, outcome how);
  void note_progress(progress_note note) override;
  void ask(call c);  // with the queue's time; dropped when closed
  // Wishes for this many tasks; replaces an earlier wish.
  void claim(claim_request request, bool reap_first);
  bool settling() const;  // settlements are not written yet

  // The queue's time now. May call the store, the first time.
  result<queue_time> now();

  // No further rounds. Safe while one is under way.
  void close();
  // After close(), when the executor's threads have ended: forgets the executor.
  void detach();

  lease_book leases;

 private:
  struct pending_insert {
    std::vector<new_task> tasks;
    inserted done;
  };
  struct pending_settlement {
    std::shared_ptr<detail::attempt> who;
    outcome how;
  };
  struct round_work {
    std::vector<call> calls;
    std::vector<pending_insert> inserts;
    std::vector<pending_settlement> settlements;
    std::vector<progress_note> progress;
    std::optional<claim_request> wish;
    bool reap = false;
    bool empty() const {
      return calls.empty() && inserts.empty() && settlements.empty() && progress.empty() && !wish;
    }
  };

  void kick();  // under the lock
  void round();
  round_work take();
  void run(round_work& work, queue_time at);
  store_work build(round_work& work);
  void deliver(round_work& work, const std::vector<std::size_t>& sizes, store_answer answer,
               report& out, queue_time at);
  void failed(round_work& work, error_code why);
  void reap(report& out, queue_time at);
  void prune(std::size_t newly_ended, queue_time at);
  void start_beat();
  void beat();

  const clock clock_;
  metrics_sink& metrics_;
  log_sink& log_;
  rng random_;
  std::shared_ptr<task_store> store_;
  task_queue_options options_;
  std::function<void(report)> to_;

  // On the store's executor.
  std::optional<timer> beat_, again_;
  bool beating_ = false, waiting_ = false;  // waiting_: for another try after a failure
  std::uint32_t failures_ = 0;
  std::size_t ended_ = 0;  // since the store was found to keep no more than it should
  clock::time_point renewed_{}, reaped_{}, pruned_{};

  mutable std::mutex mutex_;
  executor where_;
  std::optional<milliseconds> offset_;
  std::vector<call> calls_;
  std::deque<pending_insert> inserts_;
  std::deque<pending_settlement> settlements_;
  std::map<task_id, progress_note> progress_;
  std::optional<claim_request> wish_;
  std::size_t pending_tasks_ = 0, settling_ = 0;
  bool wish_reaps_ = false, under_way_ = false, closed_ = false;
};

}  // namespace tidewire::queue
