#pragma once

#include "queue/gate.hpp"
#include "queue/lane_wheel.hpp"
#include "queue/task_rules.hpp"

#include <tidewire/queue/task_store.hpp>
#include <tidewire/store_sqlite/database.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tidewire::queue {

// What is done to the queue's tables inside a transaction of somebody's: of the store's, or of a
// user's. Between begin() and finish() what all tasks share is held here.
class sqlite_tables {
 public:
  explicit sqlite_tables(store_sqlite::database& db) : db_(db) {}

  result<void> begin(queue_time now);  // reads what is shared
  result<void> finish();               // writes it back, if it changed

  result<insert_outcome> insert(new_task& task);
  result<settle_outcome> settle_one(const settlement& s);
  result<void> progress(const progress_note& note);
  result<void> claim(const claim_request& request, std::vector<claimed_task>& out);
  result<renewal> renew(std::span<const held_lease> leases, milliseconds lease);
  result<cancel_answer> cancel(task_id id);
  result<std::vector<rescued_task>> reap(std::size_t most);
  result<void> replay(task_id id);
  result<bool> hasten(task_id id);
  result<std::size_t> prune(const retention& keep);
  result<milliseconds> join_clock(const machine_moment& moment);
  void set_paused(bool paused);
  void at(queue_time now) { now_ = now; }

  // These need no transaction.
  result<due_answer> next_due(std::span<const std::string> kinds, queue_time now);
  result<std::optional<task_record>> find(task_id id);
  result<std::optional<task_record>> find(const std::string& name);
  result<std::vector<task_record>> list(const task_filter& which);
  result<queue_stats> stats(const task_filter& which, queue_time now);
  result<std::vector<task_id>> dead_letters(const task_filter& which);

 private:
  struct task_row {
    task_id id = 0;
    task_state state = task_state::ready;
    std::uint64_t fence = 0;
    std::uint32_t attempt = 0, max_attempts = 1;
    bool cancel_requested = false;
    queue_time at{};
    std::string limit_key;
  };
  struct held_gate {
    gate at;
    std::int64_t held = 0;
    bool there = false, changed = false;
  };
  struct candidate {
    claimed_task task;
    std::string limit_key;
  };
  // The ready tasks of one lane and kind, read one by one.
  struct line {
    store_sqlite::statement* rows = nullptr;
    std::optional<candidate> head;
  };
  using value = store_sqlite::statement;

  // Prepared once. The literal's address is its name: hashing the text would cost more than many a
  // statement.
  result<value*> run(std::string_view literal);
  result<value*> run_made(const std::string& sql);  // of a text that was put together
  result<void> execute(std::string_view sql, std::initializer_list<std::int64_t> values);
  result<std::optional<std::int64_t>> number(std::string_view sql,
                                             std::initializer_list<std::int64_t> values = {});
  result<std::optional<std::int64_t>> number_of(std::string_view sql, const std::string& key);
  result<std::optional<task_row>> read(task_id id);
  result<std::optional<insert_outcome>> known(const new_task& task);
  result<std::vector<task_id>> dependencies(const new_task& task, error_code& refused);
  result<void> write(task_id id, const new_task& task, task_state state, std::size_t waits);
  result<bool> settle_simply(const settlement& s);
  result<void> conclude(const task_row& r, const verdict& v, const std::string& text);
  result<void> end_dependants(task_id id, task_state state);
  result<held_gate*> gate_of(const std::string& key);
  result<void> open_gate(const std::string& key, held_gate& g);
  result<void> open_gates();
  result<void> leave_gate(const std::string& key);
  result<void> promote();
  result<void> read_head(line& l);
  result<bool> pass_gate(const candidate& c);
  result<void> start(const claimed_task& t, const std::string& worker);
  result<std::size_t> drop(std::string_view sql, std::initializer_list<std::int64_t> values);
  task_record record(const value& s) const;

  store_sqlite::database& db_;
  std::unordered_map<const char*, value> statements_;
  std::unordered_map<std::string, value> made_statements_;
  queue_time now_{};
  struct shared_state {
    std::int64_t next_id = 1, wheel = 0, paused = 0, clock_offset = 0, last_time = 0;
    std::string boot;
  } shared_;
  std::map<std::string, held_gate> gates_;
  bool anybody_waits_ = false;  // for another task
};

}  // namespace tidewire::queue
