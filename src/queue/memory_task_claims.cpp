#include "queue/memory_task_store.hpp"

#include <algorithm>

// The part of the memory store that starts attempts, and gives them up.
namespace tidewire::queue {
namespace {

constexpr std::size_t max_held_in_a_claim = 10'000;

}  // namespace

void memory_task_store::promote(queue_time now) {
  while (!due_.empty() && due_.top().when <= now) {
    auto entry = due_.top();
    due_.pop();
    auto* row = rows_.find(entry.id);
    if (!row || row->when != entry.when) continue;
    if (row->state == task_state::scheduled || row->state == task_state::retrying) make_ready(*row);
  }
}

void memory_task_store::open_gate(held_gate& g, queue_time now) {
  auto at = g.at;  // a copy lets through what the gate itself counts at the start
  while (!g.held.empty() && at.open(now)) {
    at.enter(now);
    auto* row = rows_.find(g.held.begin()->second);
    g.held.erase(g.held.begin());
    make_ready(*row);
    if (g.held.empty()) --held_gates_;
  }
}

void memory_task_store::open_gates(queue_time now) {
  if (held_gates_ == 0) return;
  for (auto& [key, g] : gates_)
    if (!g.held.empty()) open_gate(g, now);
}

memory_row* memory_task_store::first_ready(ready_list& list) {
  auto is_ready = [this](task_id id) {
    auto* row = rows_.find(id);
    return row && row->state == task_state::ready ? row : nullptr;
  };
  memory_row *first = nullptr, *early = nullptr;
  while (!list.line.empty() && !(first = is_ready(list.line.front()))) list.line.pop_front();
  while (!list.early.empty() && !(early = is_ready(list.early.top()))) list.early.pop();
  if (first && early) return first->id <= early->id ? first : early;
  return first ? first : early;
}

// False: the task waits at its gate now.
bool memory_task_store::passes_gate(memory_row& row, queue_time now) {
  if (!row.details || row.details->limit_key.empty()) return true;
  auto& g = gates_[row.details->limit_key];
  if (g.at.open(now)) {
    g.at.enter(now);
    return true;
  }
  set_state(row, task_state::held);
  if (g.held.empty()) ++held_gates_;
  g.held.emplace(row.priority, row.id);
  return false;
}

void memory_task_store::claim(const claim_request& request, queue_time now,
                              std::vector<claimed_task>& out) {
  promote(now);
  open_gates(now);
  std::vector<std::uint16_t> kinds;
  for (auto& name : request.kinds)
    if (auto it = kind_numbers_.find(name); it != kind_numbers_.end()) kinds.push_back(it->second);
  std::size_t held = 0;
  while (out.size() < request.count && held < max_held_in_a_claim) {
    std::array<memory_row*, priorities> heads{};
    std::array<bool, priorities> ready{};
    for (std::size_t lane = 0; lane < priorities; ++lane) {
      for (auto kind : kinds) {
        auto* row = first_ready(kinds_[kind].lanes[lane]);
        if (row && (!heads[lane] || row->id < heads[lane]->id)) heads[lane] = row;
      }
      ready[lane] = heads[lane] != nullptr;
    }
    auto before = wheel_;
    auto lane = wheel_.next(request.lanes, ready);
    if (!lane) return;
    auto& row = *heads[static_cast<std::size_t>(*lane)];
    if (passes_gate(row, now)) {
      out.push_back(start(row, request, now));
    } else {
      wheel_ = before;  // its lane's turn is not used up
      ++held;
    }
  }
}

claimed_task memory_task_store::start(memory_row& row, const claim_request& request,
                                      queue_time now) {
  set_state(row, task_state::running);
  row.running_index = static_cast<std::uint32_t>(running_.size());
  running_.push_back(row.id);
  ++row.fence;
  ++row.attempt;
  row.when = now + request.lease;
  claimed_task out;
  out.id = row.id;
  out.fence = row.fence;
  out.attempt = row.attempt;
  out.max_attempts = row.max_attempts;
  out.priority = row.priority;
  out.timeout = row.timeout;
  out.retry_delay = row.retry_delay;
  out.lease_until = row.when;
  out.kind = kinds_[row.kind].name;
  out.function = row.function;
  if (!row.details) return out;
  row.details->worker = request.worker;
  row.details->progress.clear();
  out.payload = row.details->payload;
  out.metadata = row.details->metadata;
  out.name = row.details->name;
  return out;
}

result<renewal> memory_task_store::renew(std::span<const held_lease> leases, milliseconds lease,
                                         queue_time now) {
  std::lock_guard lock(mutex_);
  renewal out;
  out.paused = paused_;
  for (auto& held : leases) {
    auto* row = rows_.find(held.id);
    if (!row || row->state != task_state::running || row->fence != held.fence) {
      out.lost.push_back(held);
      continue;
    }
    row->when = std::max(row->when, now + lease);
    if (row->cancel_requested) out.cancel_requested.push_back(row->id);
  }
  return out;
}

result<std::vector<rescued_task>> memory_task_store::reap(std::size_t most, queue_time now) {
  std::lock_guard lock(mutex_);
  std::vector<memory_row*> expired;
  for (auto id : running_) {
    auto* row = rows_.find(id);
    if (row->when <= now) expired.push_back(row);
  }
  std::sort(expired.begin(), expired.end(), [](auto* a, auto* b) { return a->id < b->id; });
  if (expired.size() > most) expired.resize(most);
  std::vector<rescued_task> out;
  for (auto* row : expired) {
    auto v = give_up({row->attempt, row->max_attempts, row->fence, row->cancel_requested});
    row->more().error = expired_text;
    leave_running(*row, now);
    out.push_back({row->id, row->fence, v.state});
    conclude(*row, v, now);
  }
  if (!out.empty()) tell();
  return out;
}

result<cancel_answer> memory_task_store::cancel(task_id id, queue_time now) {
  std::lock_guard lock(mutex_);
  auto* row = rows_.find(id);
  if (!row) return cancel_answer::not_found;
  if (is_final(row->state)) return cancel_answer::already_final;
  if (row->state == task_state::running) {
    row->cancel_requested = true;
    return cancel_answer::requested;
  }
  if (row->state == task_state::held) {
    auto& g = gates_[row->details->limit_key];
    g.held.erase({row->priority, row->id});
    if (g.held.empty()) --held_gates_;
  }
  end(*row, task_state::cancelled, now);
  tell();
  return cancel_answer::cancelled;
}

result<due_answer> memory_task_store::next_due(std::span<const std::string> kinds, queue_time now) {
  std::lock_guard lock(mutex_);
  promote(now);
  open_gates(now);
  due_answer out;
  out.idle = live_ == 0;
  out.paused = paused_;
  auto sooner = [](std::optional<milliseconds>& at, milliseconds than) {
    auto d = std::max(than, milliseconds(0));
    at = at ? std::min(*at, d) : d;
  };
  for (auto& name : kinds) {
    auto it = kind_numbers_.find(name);
    if (it == kind_numbers_.end()) continue;
    for (auto& list : kinds_[it->second].lanes)
      if (first_ready(list)) sooner(out.ready_after, milliseconds(0));
  }
  // The head may be stale, or of another kind: then somebody looks once too often.
  if (!due_.empty()) sooner(out.ready_after, due_.top().when - now);
  if (held_gates_ > 0)
    for (auto& [key, g] : gates_)
      if (!g.held.empty() && g.at.has_room()) sooner(out.ready_after, g.at.opens_at() - now);
  for (auto id : running_) sooner(out.lease_ends, rows_.find(id)->when - now);
  return out;
}

}  // namespace tidewire::queue
