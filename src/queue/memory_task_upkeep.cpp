#include "queue/memory_task_store.hpp"

#include <algorithm>

// The part of the memory store that people and upkeep ask for.
namespace tidewire::queue {

result<void> memory_task_store::set_paused(bool paused) {
  std::lock_guard lock(mutex_);
  paused_ = paused;
  tell();
  return {};
}

// All attempts are there again; what it waited for counts no more.
result<void> memory_task_store::begin_anew(memory_row* row) {
  if (!row) return make_error_code(errc::not_found);
  if (!is_final(row->state)) return make_error_code(errc::not_final);
  if (kinds_[row->kind].name.empty() && !row->function)
    return make_error_code(errc::in_process_only);
  ++live_;
  row->attempt = 0;
  row->cancel_requested = false;
  if (auto* d = row->details.get()) {
    d->error.clear();
    d->result.clear();
    d->progress.clear();
    d->waits_for = 0;
    if (!d->unique_key.empty()) unique_keys_.emplace(d->unique_key, row->id);
  }
  make_ready(*row);
  return {};
}

result<void> memory_task_store::replay(task_id id, queue_time) {
  std::lock_guard lock(mutex_);
  auto done = begin_anew(rows_.find(id));
  if (done) tell();
  return done;
}

result<std::size_t> memory_task_store::replay_all(const task_filter& which, queue_time) {
  std::lock_guard lock(mutex_);
  std::size_t n = 0;
  for (auto* row = rows_.after(which.after); row && n < which.limit; row = rows_.after(row->id))
    if (is_dead_letter(row->state) && matches(*row, which) && begin_anew(row)) ++n;
  if (n > 0) tell();
  return n;
}

result<bool> memory_task_store::hasten(task_id id, queue_time now) {
  std::lock_guard lock(mutex_);
  auto* row = rows_.find(id);
  // An error_code could be taken for a bool, and a bool for one.
  if (!row) return {boost::system::in_place_error, make_error_code(errc::not_found)};
  if (row->state != task_state::scheduled && row->state != task_state::retrying)
    return {boost::system::in_place_value, false};
  row->when = now;
  make_ready(*row);
  tell();
  return {boost::system::in_place_value, true};
}

void memory_task_store::drop(memory_row& row) {
  if (row.details && !row.details->name.empty()) names_.erase(row.details->name);
  --count_[static_cast<std::size_t>(row.state)];
  rows_.erase(row);
}

result<std::size_t> memory_task_store::prune(const retention& keep, queue_time now) {
  std::lock_guard lock(mutex_);
  constexpr std::size_t most = 10'000;
  std::size_t dropped = 0;
  std::deque<task_id> kept;
  // By age from the oldest end on. What was replayed since has another end, or none.
  auto final_rows = rows_.size() - live_;
  for (std::size_t looked = 0; looked < most && !finished_.empty(); ++looked) {
    auto id = finished_.front();
    auto* row = rows_.find(id);
    if (!row || !is_final(row->state)) {
      finished_.pop_front();
      continue;
    }
    bool dead = is_dead_letter(row->state);
    auto age = now - row->when;
    bool beyond = final_rows > keep.max_finished;
    if (!beyond && age <= (dead ? keep.dead_letter_age : keep.finished_age)) {
      if (!dead) break;
      kept.push_back(id);
      finished_.pop_front();
      continue;
    }
    finished_.pop_front();
    drop(*row);
    --final_rows;
    ++dropped;
  }
  finished_.insert(finished_.begin(), kept.begin(), kept.end());
  if (dropped > 0)
    std::erase_if(gates_,
                  [now](auto& g) { return g.second.held.empty() && g.second.at.forgettable(now); });
  return dropped;
}

task_record memory_task_store::record(memory_row& row) const {
  task_record out;
  out.id = row.id;
  out.kind = kinds_[row.kind].name;
  out.priority = row.priority;
  out.state = row.state;
  out.attempt = row.attempt;
  out.max_attempts = row.max_attempts;
  out.fence = row.fence;
  out.timeout = row.timeout;
  out.retry_delay = row.retry_delay;
  out.cancel_requested = row.cancel_requested;
  out.created = row.created;
  if (is_final(row.state))
    out.finished = row.when;
  else if (row.state == task_state::running)
    out.lease_until = row.when;
  else
    out.run_at = row.when;
  if (!row.details) return out;
  auto& d = *row.details;
  out.payload = d.payload;
  out.name = d.name;
  out.unique_key = d.unique_key;
  out.metadata = d.metadata;
  out.batch = d.batch;
  out.limit_key = d.limit_key;
  out.worker = d.worker;
  out.progress = d.progress;
  out.result = d.result;
  out.error = d.error;
  return out;
}

bool memory_task_store::matches(const memory_row& row, const task_filter& which) const {
  if (which.state && *which.state != row.state) return false;
  if (which.priority && *which.priority != row.priority) return false;
  if (!which.kind.empty() && which.kind != kinds_[row.kind].name) return false;
  return which.batch.empty() || (row.details && row.details->batch == which.batch);
}

result<std::optional<task_record>> memory_task_store::find(task_id id) {
  std::lock_guard lock(mutex_);
  std::optional<task_record> out;
  if (auto* row = rows_.find(id)) out = record(*row);
  return out;
}

result<std::optional<task_record>> memory_task_store::find(const std::string& name) {
  std::lock_guard lock(mutex_);
  std::optional<task_record> out;
  auto it = names_.find(name);
  if (it != names_.end()) out = record(*rows_.find(it->second));
  return out;
}

result<std::vector<task_record>> memory_task_store::list(const task_filter& which) {
  std::lock_guard lock(mutex_);
  std::vector<task_record> out;
  auto limit = std::min<std::size_t>(which.limit, 10'000);
  for (auto* row = rows_.after(which.after); row && out.size() < limit; row = rows_.after(row->id))
    if (matches(*row, which)) out.push_back(record(*row));
  return out;
}

result<queue_stats> memory_task_store::stats(const task_filter& which, queue_time now) {
  std::lock_guard lock(mutex_);
  promote(now);
  open_gates(now);
  queue_stats out;
  out.paused = paused_;
  for (auto* row = rows_.after(0); row; row = rows_.after(row->id)) {
    if (!matches(*row, which)) continue;
    ++out.states[static_cast<std::size_t>(row->state)];
    if (row->state != task_state::ready) continue;
    ++out.ready[static_cast<std::size_t>(row->priority)];
    if (!out.oldest_ready) out.oldest_ready = now - row->created;
  }
  return out;
}

}  // namespace tidewire::queue
