#include "queue/sqlite_tables.hpp"

#include <algorithm>
#include <utility>

// The part of the SQLite store that starts attempts, and gives them up.
namespace tidewire::queue {
namespace {

constexpr std::size_t max_held_in_a_claim = 10'000;

std::int64_t ms(queue_time t) {
  return t.time_since_epoch().count();
}

}  // namespace

result<void> sqlite_tables::promote() {
  result<void> done = {};
  for (std::int64_t state : {2, 3}) {
    if (!done) break;
    done = execute(
        "UPDATE queue_task SET state = 4 WHERE id IN (SELECT id FROM queue_task"
        " WHERE state = ? AND at <= ? ORDER BY at LIMIT 1000)",
        {state, ms(now_)});
  }
  return done;
}

result<void> sqlite_tables::open_gates() {
  auto s =
      run("SELECT key FROM queue_gate WHERE held > 0 AND opens_at <= ?"
          " AND (max_running = 0 OR running < max_running) LIMIT 1000");
  if (!s) return s.error();
  (*s)->bind(1, ms(now_));
  std::vector<std::string> keys;
  while (true) {
    auto more = (*s)->step();
    if (!more) return more.error();
    if (!*more) break;
    keys.push_back((*s)->text(0));
  }
  for (auto& key : keys) {
    auto g = gate_of(key);
    if (!g) return g.error();
    auto done = open_gate(key, **g);
    if (!done) return done;
  }
  return {};
}

result<void> sqlite_tables::read_head(line& l) {
  l.head.reset();
  auto& v = *l.rows;
  auto row = v.step();
  if (!row) return row.error();
  if (!*row) {
    l.rows = nullptr;
    return {};
  }
  auto& c = l.head.emplace();
  auto& t = c.task;
  t.id = v.unsigned_integer(0);
  t.fence = v.unsigned_integer(1) + 1;
  t.attempt = static_cast<std::uint32_t>(v.integer(2)) + 1;
  t.max_attempts = static_cast<std::uint32_t>(v.integer(3));
  t.priority = static_cast<queue::priority>(v.integer(4));
  t.timeout = milliseconds(v.integer(5));
  t.retry_delay = milliseconds(v.integer(6));
  t.kind = v.text(7);
  t.payload = v.text(8);
  t.metadata = v.text(9);
  t.name = v.text(10);
  c.limit_key = v.text(11);
  return {};
}

// False: the task waits at its gate now.
result<bool> sqlite_tables::pass_gate(const candidate& c) {
  using boost::system::in_place_error;
  if (c.limit_key.empty()) return true;
  auto g = gate_of(c.limit_key);
  if (!g) return {in_place_error, g.error()};
  (*g)->changed = true;
  if ((*g)->at.open(now_)) {
    (*g)->at.enter(now_);
    return true;
  }
  ++(*g)->held;
  return false;
}

// Nothing is written while the lines are read.
result<void> sqlite_tables::claim(const claim_request& request, std::vector<claimed_task>& out) {
  if (shared_.paused != 0) return {};
  auto done = promote();
  if (done) done = open_gates();
  if (!done) return done;
  std::vector<std::pair<std::size_t, line>> lines;
  for (std::size_t lane = 0; lane < priorities; ++lane) {
    for (std::size_t k = 0; k < request.kinds.size(); ++k) {
      // A statement of its own for each: they are read side by side.
      auto sql =
          "SELECT id, fence, attempt, max_attempts, lane, timeout, retry_delay, kind, payload,"
          " metadata, name, limit_key FROM queue_task INDEXED BY queue_task_ready WHERE state = 4"
          " AND lane = ? AND kind = ? ORDER BY id -- " +
          std::to_string(lane) + "." + std::to_string(k);
      auto s = run_made(sql);
      if (!s) return s.error();
      (*s)->reset();
      (*s)->bind(1, static_cast<std::int64_t>(lane)).bind(2, std::string_view(request.kinds[k]));
      line l;
      l.rows = *s;
      done = read_head(l);
      if (!done) return done;
      if (l.head) lines.emplace_back(lane, std::move(l));
    }
  }
  lane_wheel wheel(static_cast<std::uint32_t>(shared_.wheel));
  std::vector<task_id> held;
  while (done && out.size() < request.count && held.size() < max_held_in_a_claim) {
    std::array<line*, priorities> heads{};
    std::array<bool, priorities> ready{};
    for (auto& [lane, l] : lines) {
      if (!l.head) continue;
      if (!heads[lane] || l.head->task.id < heads[lane]->head->task.id) heads[lane] = &l;
      ready[lane] = true;
    }
    auto before = wheel;
    auto lane = wheel.next(request.lanes, ready);
    if (!lane) break;
    auto& l = *heads[static_cast<std::size_t>(*lane)];
    auto passed = pass_gate(*l.head);
    if (!passed) return passed.error();
    if (*passed) {
      l.head->task.lease_until = now_ + request.lease;
      out.push_back(std::move(l.head->task));
    } else {
      held.push_back(l.head->task.id);
      wheel = before;  // its lane's turn is not used up
    }
    done = read_head(l);
  }
  for (auto& [lane, l] : lines)
    if (l.rows) l.rows->reset();
  shared_.wheel = wheel.position();
  for (auto id : held)
    if (done)
      done =
          execute("UPDATE queue_task SET state = 1 WHERE id = ?", {static_cast<std::int64_t>(id)});
  for (auto& t : out)
    if (done) done = start(t, request.worker);
  return done;
}

result<void> sqlite_tables::start(const claimed_task& t, const std::string& worker) {
  auto s =
      run("UPDATE queue_task SET state = 5, at = ?, fence = ?, attempt = ?, worker = ?,"
          " progress = NULL WHERE id = ?");
  if (!s) return s.error();
  (*s)->bind(1, ms(t.lease_until)).bind(2, t.fence).bind(3, std::int64_t(t.attempt));
  return (*s)->bind(4, std::string_view(worker)).bind(5, t.id).run();
}

result<renewal> sqlite_tables::renew(std::span<const held_lease> leases, milliseconds lease) {
  renewal out;
  out.paused = shared_.paused != 0;
  for (auto& held : leases) {
    auto found = read(held.id);
    if (!found) return found.error();
    auto& r = *found;
    if (!r || r->state != task_state::running || r->fence != held.fence) {
      out.lost.push_back(held);
      continue;
    }
    if (r->cancel_requested) out.cancel_requested.push_back(held.id);
    auto until = std::max(r->at, now_ + lease);
    auto done = execute("UPDATE queue_task SET at = ? WHERE id = ?",
                        {ms(until), static_cast<std::int64_t>(held.id)});
    if (!done) return done.error();
  }
  return out;
}

result<std::vector<rescued_task>> sqlite_tables::reap(std::size_t most) {
  auto s = run("SELECT id FROM queue_task WHERE state = 5 AND at <= ? ORDER BY at, id LIMIT ?");
  if (!s) return s.error();
  (*s)->bind(1, ms(now_)).bind(2, static_cast<std::int64_t>(std::min<std::size_t>(most, 10'000)));
  std::vector<task_id> ids;
  while (true) {
    auto more = (*s)->step();
    if (!more) return more.error();
    if (!*more) break;
    ids.push_back((*s)->unsigned_integer(0));
  }
  std::vector<rescued_task> out;
  for (auto id : ids) {
    auto found = read(id);
    if (!found) return found.error();
    auto& r = **found;
    auto v = give_up({r.attempt, r.max_attempts, r.fence, r.cancel_requested});
    auto done = conclude(r, v, std::string(expired_text));
    if (!done) return done.error();
    out.push_back({id, r.fence, v.state});
  }
  return out;
}

result<cancel_answer> sqlite_tables::cancel(task_id id) {
  auto found = read(id);
  if (!found) return found.error();
  if (!*found) return cancel_answer::not_found;
  auto& r = **found;
  if (is_final(r.state)) return cancel_answer::already_final;
  auto number = static_cast<std::int64_t>(id);
  if (r.state == task_state::running) {
    auto done = execute("UPDATE queue_task SET cancel_requested = 1 WHERE id = ?", {number});
    if (!done) return done.error();
    return cancel_answer::requested;
  }
  if (r.state == task_state::held) {
    auto g = gate_of(r.limit_key);
    if (!g) return g.error();
    --(*g)->held;
    (*g)->changed = true;
  }
  auto done = execute("UPDATE queue_task SET state = 9, at = ? WHERE id = ?", {ms(now_), number});
  if (done) done = end_dependants(id, task_state::cancelled);
  if (!done) return done.error();
  return cancel_answer::cancelled;
}

result<due_answer> sqlite_tables::next_due(std::span<const std::string> kinds, queue_time now) {
  due_answer out;
  auto sooner = [&](std::optional<milliseconds>& to, std::int64_t at) {
    auto d = std::max(milliseconds(at - ms(now)), milliseconds(0));
    to = to ? std::min(*to, d) : d;
  };
  auto paused = number("SELECT paused FROM queue_state");
  if (!paused) return paused.error();
  out.paused = paused->value_or(0) != 0;
  for (auto& kind : kinds) {
    auto ready = number_of(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM queue_task WHERE state = 4 AND lane = 0 AND kind = "
        "?1)"
        " OR EXISTS (SELECT 1 FROM queue_task WHERE state = 4 AND lane = 1 AND kind = ?1)"
        " OR EXISTS (SELECT 1 FROM queue_task WHERE state = 4 AND lane = 2 AND kind = ?1)",
        kind);
    if (!ready) return ready.error();
    if (*ready) sooner(out.ready_after, ms(now));
  }
  auto due = number(
      "SELECT min(at) FROM (SELECT min(at) AS at FROM queue_task WHERE state = 2"
      " UNION ALL SELECT min(at) FROM queue_task WHERE state = 3)");
  if (!due) return due.error();
  if (*due) sooner(out.ready_after, **due);
  auto opens = number(
      "SELECT min(opens_at) FROM queue_gate WHERE held > 0"
      " AND (max_running = 0 OR running < max_running)");
  if (!opens) return opens.error();
  if (*opens) sooner(out.ready_after, **opens);
  auto lease = number("SELECT min(at) FROM queue_task WHERE state = 5");
  if (!lease) return lease.error();
  if (*lease) sooner(out.lease_ends, **lease);
  auto alive = number("SELECT 1 WHERE EXISTS (SELECT 1 FROM queue_task WHERE state < 6)");
  if (!alive) return alive.error();
  out.idle = !alive->has_value();
  return out;
}

}  // namespace tidewire::queue
