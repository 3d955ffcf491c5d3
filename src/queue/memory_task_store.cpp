#include "queue/memory_task_store.hpp"

#include <algorithm>
#include <limits>

namespace tidewire::queue {

std::unique_ptr<task_store> make_memory_task_store(memory_store_options options) {
  return std::make_unique<memory_task_store>(options);
}

result<milliseconds> memory_task_store::join_clock(const machine_moment& moment) {
  std::lock_guard lock(mutex_);
  if (!clock_offset_) clock_offset_ = moment.wall.time_since_epoch() - moment.monotonic;
  return *clock_offset_;
}

result<store_answer> memory_task_store::apply(store_work work, queue_time now) {
  std::lock_guard lock(mutex_);
  store_answer out;
  bool stirred = false;
  out.settlements.reserve(work.settlements.size());
  for (auto& s : work.settlements) {
    out.settlements.push_back(settle_one(s, now));
    auto state = out.settlements.back().state;
    stirred = stirred || state == task_state::ready;
  }
  for (auto& p : work.progress) {
    auto* row = rows_.find(p.id);
    if (row && row->state == task_state::running && row->fence == p.fence)
      row->more().progress = std::move(p.progress);
  }
  out.inserts.reserve(work.inserts.size());
  for (auto& t : work.inserts) out.inserts.push_back(insert(t, now));
  if (work.claim && !paused_) claim(*work.claim, now, out.claimed);
  if (stirred || !work.inserts.empty() || !work.settlements.empty()) tell();
  return out;
}

std::uint16_t memory_task_store::kind_number(const std::string& name) {
  auto [it, fresh] = kind_numbers_.try_emplace(name, static_cast<std::uint16_t>(kinds_.size()));
  if (fresh) kinds_.push_back({name, {}});
  return it->second;
}

// What was enqueued before under the same name, unique key or tick.
std::optional<insert_outcome> memory_task_store::known(const new_task& task) {
  insert_outcome out;
  out.duplicate = true;
  if (!task.name.empty()) {
    if (auto it = names_.find(task.name); it != names_.end()) {
      out.id = it->second;
      return out;
    }
  }
  if (!task.unique_key.empty()) {
    if (auto it = unique_keys_.find(task.unique_key); it != unique_keys_.end()) {
      out.id = it->second;
      return out;
    }
  }
  if (task.tick) {
    auto it = ticks_.find(task.tick->schedule);
    if (it != ticks_.end() && it->second >= task.tick->tick) return out;
  }
  return std::nullopt;
}

// The tasks that must end before this one starts, without those that are done.
result<std::vector<task_id>> memory_task_store::dependencies(const new_task& task) {
  auto all = task.depends_on;
  for (auto& name : task.depends_on_names) {
    auto it = names_.find(name);
    if (it == names_.end()) return make_error_code(errc::unknown_dependency);
    all.push_back(it->second);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<task_id> open;
  for (auto id : all) {
    auto* row = rows_.find(id);
    if (!row) return make_error_code(errc::unknown_dependency);
    if (row->state == task_state::done) continue;
    if (is_final(row->state)) return make_error_code(errc::dependency_failed);
    open.push_back(id);
  }
  return open;
}

insert_outcome memory_task_store::insert(new_task& task, queue_time now) {
  insert_outcome out;
  out.error = check(task);
  if (out.error) return out;
  if (auto before = known(task)) return *before;
  if (live_ >= options_.max_live) {
    out.error = errc::full;
    return out;
  }
  std::vector<task_id> needs;
  if (!task.depends_on.empty() || !task.depends_on_names.empty()) {
    auto found = dependencies(task);
    if (!found) {
      out.error = found.error();
      return out;
    }
    needs = std::move(*found);
  }
  auto& row = rows_.add();
  out.id = row.id;
  ++live_;
  ++count_[static_cast<std::size_t>(row.state)];
  fill(row, task, now);
  row.when = now + task.delay;
  for (auto id : needs) rows_.find(id)->more().dependants.push_back(row.id);
  if (!needs.empty()) {
    row.more().waits_for = static_cast<std::uint32_t>(needs.size());
    set_state(row, task_state::waiting);
  } else if (task.delay > milliseconds(0)) {
    schedule(row, task_state::scheduled, row.when);
  } else {
    make_ready(row);
  }
  return out;
}

void memory_task_store::fill(memory_row& row, new_task& task, queue_time now) {
  row.kind = kind_number(task.kind);
  row.priority = task.priority;
  row.max_attempts = task.max_attempts.value_or(task_defaults::max_attempts);
  row.timeout = task.timeout.value_or(task_defaults::timeout);
  row.retry_delay = task.retry_delay.value_or(task_defaults::retry_delay);
  row.created = now;
  row.function = std::move(task.function);
  auto keep = [&row](std::string& from, std::string memory_row_details::*to) {
    if (!from.empty()) row.more().*to = std::move(from);
  };
  if (!task.name.empty()) names_[task.name] = row.id;
  if (!task.unique_key.empty()) unique_keys_[task.unique_key] = row.id;
  if (task.tick) ticks_[task.tick->schedule] = task.tick->tick;
  keep(task.payload, &memory_row_details::payload);
  keep(task.name, &memory_row_details::name);
  keep(task.unique_key, &memory_row_details::unique_key);
  keep(task.metadata, &memory_row_details::metadata);
  keep(task.batch, &memory_row_details::batch);
  if (task.limit) {
    gates_[task.limit->key].at.set(*task.limit);
    keep(task.limit->key, &memory_row_details::limit_key);
  }
}

settle_outcome memory_task_store::settle_one(settlement& s, queue_time now) {
  settle_outcome out;
  auto* row = rows_.find(s.id);
  if (!row) return out;
  out.state = row->state;
  if (row->fence != s.fence) return out;
  if (row->state != task_state::running) {
    out.what = settle_outcome::kind::repeated;
    return out;
  }
  auto v = settle({row->attempt, row->max_attempts, row->fence, row->cancel_requested}, s.outcome);
  auto text = s.outcome.text();
  if (v.state == task_state::done) {
    if (!text.empty()) row->more().result = std::move(text);
  } else if (!text.empty()) {
    row->more().error = cut(std::move(text), task_bounds::error_bytes);
  }
  leave_running(*row, now);
  conclude(*row, v, now);
  out.what = settle_outcome::kind::applied;
  out.state = v.state;
  out.next_attempt = v.delay;
  return out;
}

void memory_task_store::conclude(memory_row& row, const verdict& v, queue_time now) {
  if (v.attempt_back) --row.attempt;
  if (is_final(v.state))
    end(row, v.state, now);
  else if (v.state == task_state::ready)
    make_ready(row);
  else
    schedule(row, v.state, now + v.delay);
}

void memory_task_store::set_state(memory_row& row, task_state state) {
  --count_[static_cast<std::size_t>(row.state)];
  ++count_[static_cast<std::size_t>(state)];
  row.state = state;
}

void memory_task_store::make_ready(memory_row& row) {
  set_state(row, task_state::ready);
  auto& list = kinds_[row.kind].lanes[static_cast<std::size_t>(row.priority)];
  if (list.line.empty() || list.line.back() < row.id)
    list.line.push_back(row.id);
  else
    list.early.push(row.id);
}

void memory_task_store::schedule(memory_row& row, task_state state, queue_time when) {
  set_state(row, state);
  row.when = when;
  due_.push({when, row.id});
}

void memory_task_store::leave_running(memory_row& row, queue_time now) {
  auto last = running_.back();
  running_[row.running_index] = last;
  rows_.find(last)->running_index = row.running_index;
  running_.pop_back();
  if (!row.details || row.details->limit_key.empty()) return;
  auto& g = gates_[row.details->limit_key];
  g.at.leave();
  open_gate(g, now);
}

void memory_task_store::end(memory_row& row, task_state state, queue_time now) {
  set_state(row, state);
  row.when = now;
  --live_;
  finished_.push_back(row.id);
  if (!is_dead_letter(state)) row.function.reset();
  if (!row.details) return;
  if (!row.details->unique_key.empty()) unique_keys_.erase(row.details->unique_key);
  if (!row.details->dependants.empty()) end_dependants(row, now);
}

// Those that waited go on, or end with it. A list in place of recursion: chains may be long.
void memory_task_store::end_dependants(memory_row& first, queue_time now) {
  std::vector<task_id> ended{first.id};
  while (!ended.empty()) {
    auto* needed = rows_.find(ended.back());
    ended.pop_back();
    if (!needed->details) continue;
    for (auto id : std::exchange(needed->details->dependants, {})) {
      auto* row = rows_.find(id);
      if (!row || row->state != task_state::waiting) continue;
      if (needed->state != task_state::done) {
        row->more().error = std::string(dependency_text) + std::to_string(needed->id);
        set_state(*row, task_state::discarded);
        row->when = now;
        --live_;
        finished_.push_back(id);
        if (!row->details->unique_key.empty()) unique_keys_.erase(row->details->unique_key);
        ended.push_back(id);
      } else if (--row->more().waits_for == 0) {
        if (row->when > now)
          schedule(*row, task_state::scheduled, row->when);
        else
          make_ready(*row);
      }
    }
  }
}

void memory_task_store::tell() {
  std::lock_guard lock(watchers_->mutex);
  for (auto& [number, call] : watchers_->calls) call();
}

std::shared_ptr<void> memory_task_store::watch(std::function<void()> changed) {
  std::lock_guard lock(watchers_->mutex);
  auto number = watchers_->next++;
  watchers_->calls.emplace(number, std::move(changed));
  return std::shared_ptr<void>(watchers_.get(), [weak = std::weak_ptr(watchers_), number](void*) {
    auto alive = weak.lock();
    if (!alive) return;
    std::lock_guard lock2(alive->mutex);
    alive->calls.erase(number);
  });
}

}  // namespace tidewire::queue
