#pragma once

#include "queue/gate.hpp"
#include "queue/lane_wheel.hpp"
#include "queue/memory_rows.hpp"
#include "queue/task_rules.hpp"

#include <tidewire/queue/task_store.hpp>

#include <map>
#include <mutex>
#include <queue>
#include <set>
#include <unordered_map>
#include <utility>

namespace tidewire::queue {

// The reference of what a store does. Ready tasks stand in lists by kind and lane, in the order of
// their ids; an entry whose task is not ready any more is passed over when its turn comes.
class memory_task_store final : public task_store {
 public:
  explicit memory_task_store(memory_store_options options) : options_(options) {}

  store_traits traits() const override { return {false, false, true}; }
  result<milliseconds> join_clock(const machine_moment& moment) override;
  result<store_answer> apply(store_work work, queue_time now) override;
  result<renewal> renew(std::span<const held_lease> leases, milliseconds lease,
                        queue_time now) override;
  result<cancel_answer> cancel(task_id id, queue_time now) override;
  result<std::vector<rescued_task>> reap(std::size_t most, queue_time now) override;
  result<due_answer> next_due(std::span<const std::string> kinds, queue_time now) override;
  result<void> set_paused(bool paused) override;
  result<void> replay(task_id id, queue_time now) override;
  result<std::size_t> replay_all(const task_filter& which, queue_time now) override;
  result<bool> hasten(task_id id, queue_time now) override;
  result<std::size_t> prune(const retention& keep, queue_time now) override;
  result<std::optional<task_record>> find(task_id id) override;
  result<std::optional<task_record>> find(const std::string& name) override;
  result<std::vector<task_record>> list(const task_filter& which) override;
  result<queue_stats> stats(const task_filter& which, queue_time now) override;
  std::shared_ptr<void> watch(std::function<void()> changed) override;

 private:
  // In order of ids: `line` by arrival, `early` for those that come back. Both may hold stale ids.
  struct ready_list {
    std::deque<task_id> line;
    std::priority_queue<task_id, std::vector<task_id>, std::greater<>> early;
  };
  struct kind_entry {
    std::string name;
    std::array<ready_list, priorities> lanes;
  };
  struct held_gate {
    gate at;
    std::set<std::pair<priority, task_id>> held;
  };
  struct due_entry {
    queue_time when;
    task_id id;
    bool operator>(const due_entry& o) const { return when != o.when ? when > o.when : id > o.id; }
  };
  // May outlive the store, as what watch() gave may.
  struct watchers {
    std::mutex mutex;
    std::map<std::uint64_t, std::function<void()>> calls;
    std::uint64_t next = 1;
  };

  std::uint16_t kind_number(const std::string& name);
  insert_outcome insert(new_task& task, queue_time now);
  std::optional<insert_outcome> known(const new_task& task);
  result<std::vector<task_id>> dependencies(const new_task& task);
  void fill(memory_row& row, new_task& task, queue_time now);
  settle_outcome settle_one(settlement& s, queue_time now);
  void claim(const claim_request& request, queue_time now, std::vector<claimed_task>& out);
  claimed_task start(memory_row& row, const claim_request& request, queue_time now);

  void set_state(memory_row& row, task_state state);
  void make_ready(memory_row& row);
  void schedule(memory_row& row, task_state state, queue_time when);
  void end(memory_row& row, task_state state, queue_time now);
  void end_dependants(memory_row& row, queue_time now);
  void leave_running(memory_row& row, queue_time now);
  void conclude(memory_row& row, const verdict& v, queue_time now);
  result<void> begin_anew(memory_row* row);
  void promote(queue_time now);
  void open_gates(queue_time now);
  void open_gate(held_gate& g, queue_time now);
  memory_row* first_ready(ready_list& list);
  bool passes_gate(memory_row& row, queue_time now);
  bool matches(const memory_row& row, const task_filter& which) const;
  task_record record(memory_row& row) const;
  void drop(memory_row& row);
  void tell();

  memory_store_options options_;
  std::mutex mutex_;  // every public function holds it
  memory_rows rows_;
  std::vector<kind_entry> kinds_;
  std::unordered_map<std::string, std::uint16_t> kind_numbers_;
  std::unordered_map<std::string, task_id> names_, unique_keys_;
  std::unordered_map<std::string, held_gate> gates_;
  std::map<std::string, std::int64_t> ticks_;
  std::priority_queue<due_entry, std::vector<due_entry>, std::greater<>> due_;
  std::deque<task_id> finished_;  // in the order of their ends; may hold stale ids
  std::vector<task_id> running_;
  std::array<std::uint64_t, task_states> count_{};
  std::size_t live_ = 0;
  lane_wheel wheel_;
  bool paused_ = false;
  std::size_t held_gates_ = 0;  // gates with held tasks
  std::optional<milliseconds> clock_offset_;
  std::shared_ptr<watchers> watchers_ = std::make_shared<watchers>();
};

}  // namespace tidewire::queue
