#include "queue/sqlite_tables.hpp"

#include <algorithm>
#include <utility>

namespace tidewire::queue {
namespace {

std::int64_t ms(queue_time t) {
  return t.time_since_epoch().count();
}

void bind_optional(store_sqlite::statement& s, int index, const std::string& text) {
  if (text.empty())
    s.bind_null(index);
  else
    s.bind(index, std::string_view(text));
}

}  // namespace

result<sqlite_tables::value*> sqlite_tables::run(std::string_view literal) {
  auto it = statements_.find(literal.data());
  if (it == statements_.end()) {
    auto made = db_.prepare(literal);
    if (!made) return made.error();
    it = statements_.emplace(literal.data(), std::move(*made)).first;
  }
  return &it->second;
}

result<sqlite_tables::value*> sqlite_tables::run_made(const std::string& sql) {
  auto it = made_statements_.find(sql);
  if (it == made_statements_.end()) {
    auto made = db_.prepare(sql);
    if (!made) return made.error();
    it = made_statements_.emplace(sql, std::move(*made)).first;
  }
  return &it->second;
}

result<void> sqlite_tables::execute(std::string_view sql,
                                    std::initializer_list<std::int64_t> values) {
  auto s = run(sql);
  if (!s) return s.error();
  int i = 0;
  for (auto v : values) (*s)->bind(++i, v);
  return (*s)->run();
}

result<std::optional<std::int64_t>> sqlite_tables::number(
    std::string_view sql, std::initializer_list<std::int64_t> values) {
  auto s = run(sql);
  if (!s) return s.error();
  int i = 0;
  for (auto v : values) (*s)->bind(++i, v);
  auto row = (*s)->step();
  if (!row) return row.error();
  std::optional<std::int64_t> out;
  if (*row && !(*s)->is_null(0)) out = (*s)->integer(0);
  (*s)->reset();
  return out;
}

result<std::optional<std::int64_t>> sqlite_tables::number_of(std::string_view sql,
                                                             const std::string& key) {
  auto s = run(sql);
  if (!s) return s.error();
  (*s)->bind(1, std::string_view(key));
  auto row = (*s)->step();
  if (!row) return row.error();
  std::optional<std::int64_t> out;
  if (*row) out = (*s)->integer(0);
  (*s)->reset();
  return out;
}

result<void> sqlite_tables::begin(queue_time now) {
  now_ = now;
  gates_.clear();
  auto s = run("SELECT next_id, wheel, paused, clock_offset, last_time, boot FROM queue_state");
  if (!s) return s.error();
  auto row = (*s)->step();
  if (!row) return row.error();
  if (!*row) return make_error_code(errc::corrupt);
  auto& v = **s;
  shared_ = {v.integer(0), v.integer(1), v.integer(2), v.integer(3), v.integer(4), v.text(5)};
  v.reset();
  auto waits = number("SELECT 1 FROM queue_dependency LIMIT 1");
  if (!waits) return waits.error();
  anybody_waits_ = waits->has_value();
  return {};
}

result<void> sqlite_tables::finish() {
  for (auto& [key, g] : gates_) {
    if (!g.changed) continue;
    auto s =
        run("INSERT INTO queue_gate VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
            " ON CONFLICT (key) DO UPDATE SET max_running = ?2, max_starts = ?3, period = ?4,"
            " running = ?5, held = ?6, spread_until_us = ?7, opens_at = ?8");
    if (!s) return s.error();
    auto& v = **s;
    v.bind(1, std::string_view(key)).bind(2, std::int64_t(g.at.max_running));
    v.bind(3, std::int64_t(g.at.max_starts)).bind(4, std::int64_t(g.at.period.count()));
    v.bind(5, std::int64_t(g.at.running)).bind(6, g.held).bind(7, g.at.spread_until_us);
    auto done = v.bind(8, ms(g.at.opens_at())).run();
    if (!done) return done;
  }
  auto s =
      run("UPDATE queue_state SET next_id = ?, wheel = ?, paused = ?, clock_offset = ?,"
          " last_time = ?, boot = ?");
  if (!s) return s.error();
  auto& v = **s;
  v.bind(1, shared_.next_id).bind(2, shared_.wheel).bind(3, shared_.paused);
  v.bind(4, shared_.clock_offset).bind(5, std::max(shared_.last_time, ms(now_)));
  return v.bind(6, std::string_view(shared_.boot)).run();
}

void sqlite_tables::set_paused(bool paused) {
  shared_.paused = paused;
}

// One offset for each boot, so that a wall clock that jumps, or differs, does no harm.
result<milliseconds> sqlite_tables::join_clock(const machine_moment& moment) {
  if (shared_.boot != moment.boot) {
    auto begin = std::max(ms(moment.wall), shared_.last_time + 1);
    shared_.boot = moment.boot;
    shared_.clock_offset = begin - moment.monotonic.count();
    now_ = queue_time(milliseconds(begin));
  }
  return milliseconds(shared_.clock_offset);
}

result<std::optional<sqlite_tables::task_row>> sqlite_tables::read(task_id id) {
  auto s =
      run("SELECT state, fence, attempt, max_attempts, cancel_requested, at, limit_key"
          " FROM queue_task WHERE id = ?");
  if (!s) return s.error();
  auto& v = **s;
  auto found = v.bind(1, id).step();
  if (!found) return found.error();
  std::optional<task_row> out;
  if (!*found) return out;
  out.emplace();
  out->id = id;
  out->state = static_cast<task_state>(v.integer(0));
  out->fence = v.unsigned_integer(1);
  out->attempt = static_cast<std::uint32_t>(v.integer(2));
  out->max_attempts = static_cast<std::uint32_t>(v.integer(3));
  out->cancel_requested = v.integer(4) != 0;
  out->at = queue_time(milliseconds(v.integer(5)));
  if (!v.is_null(6)) out->limit_key = v.text(6);
  v.reset();
  return out;
}

result<std::optional<insert_outcome>> sqlite_tables::known(const new_task& task) {
  std::optional<insert_outcome> out;
  std::optional<std::int64_t> id;
  if (!task.name.empty()) {
    auto found = number_of("SELECT id FROM queue_task WHERE name = ?", task.name);
    if (!found) return found.error();
    id = *found;
  }
  if (!id && !task.unique_key.empty()) {
    auto found =
        number_of("SELECT id FROM queue_task WHERE unique_key = ? AND state < 6", task.unique_key);
    if (!found) return found.error();
    id = *found;
  }
  if (!id && task.tick) {
    auto found = number_of("SELECT tick FROM queue_tick WHERE schedule = ?", task.tick->schedule);
    if (!found) return found.error();
    if (*found && **found >= task.tick->tick) id = 0;
  }
  if (id) {
    out.emplace();
    out->id = static_cast<task_id>(*id);
    out->duplicate = true;
  }
  return out;
}

result<std::vector<task_id>> sqlite_tables::dependencies(const new_task& task,
                                                         error_code& refused) {
  auto all = task.depends_on;
  for (auto& name : task.depends_on_names) {
    auto found = number_of("SELECT id FROM queue_task WHERE name = ?", name);
    if (!found) return found.error();
    all.push_back(*found ? static_cast<task_id>(**found) : 0);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<task_id> open;
  for (auto id : all) {
    auto r = read(id);
    if (!r) return r.error();
    if (!*r) {
      refused = errc::unknown_dependency;
    } else if ((*r)->state != task_state::done) {
      if (is_final((*r)->state)) refused = errc::dependency_failed;
      open.push_back(id);
    }
  }
  return open;
}

result<insert_outcome> sqlite_tables::insert(new_task& task) {
  insert_outcome out;
  out.error = check(task);
  if (!out.error && (task.function || task.kind.empty())) out.error = errc::in_process_only;
  if (out.error) return out;
  auto before = known(task);
  if (!before) return before.error();
  if (*before) return **before;
  std::vector<task_id> needs;
  if (!task.depends_on.empty() || !task.depends_on_names.empty()) {
    auto found = dependencies(task, out.error);
    if (!found) return found.error();
    if (out.error) return out;
    needs = std::move(*found);
  }
  auto state = !needs.empty()                 ? task_state::waiting
               : task.delay > milliseconds(0) ? task_state::scheduled
                                              : task_state::ready;
  out.id = static_cast<task_id>(shared_.next_id++);
  auto done = write(out.id, task, state, needs.size());
  anybody_waits_ = anybody_waits_ || !needs.empty();
  for (auto id : needs) {
    if (!done) break;
    done = execute("INSERT INTO queue_dependency VALUES (?, ?)",
                   {static_cast<std::int64_t>(id), static_cast<std::int64_t>(out.id)});
  }
  if (done && task.limit) {
    auto g = gate_of(task.limit->key);
    if (!g) return g.error();
    (*g)->at.set(*task.limit);
    (*g)->changed = true;
  }
  if (done && task.tick) {
    auto s = run("INSERT INTO queue_tick VALUES (?1, ?2) ON CONFLICT DO UPDATE SET tick = ?2");
    if (!s) return s.error();
    done = (*s)->bind(1, std::string_view(task.tick->schedule)).bind(2, task.tick->tick).run();
  }
  if (!done) return done.error();
  return out;
}

result<void> sqlite_tables::write(task_id id, const new_task& t, task_state state,
                                  std::size_t waits) {
  auto s =
      run("INSERT INTO queue_task (id, state, lane, at, fence, attempt, max_attempts, timeout,"
          " retry_delay, created, cancel_requested, waits_for, kind, payload, metadata, name,"
          " unique_key, batch, limit_key)"
          " VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!s) return s.error();
  auto& v = **s;
  v.bind(1, id).bind(2, static_cast<std::int64_t>(state));
  v.bind(3, static_cast<std::int64_t>(t.priority)).bind(4, ms(now_ + t.delay));
  v.bind(5, std::int64_t(t.max_attempts.value_or(task_defaults::max_attempts)));
  v.bind(6, std::int64_t(t.timeout.value_or(task_defaults::timeout).count()));
  v.bind(7, std::int64_t(t.retry_delay.value_or(task_defaults::retry_delay).count()));
  v.bind(8, ms(now_)).bind(9, static_cast<std::int64_t>(waits));
  v.bind(10, std::string_view(t.kind));
  bind_optional(v, 11, t.payload);
  bind_optional(v, 12, t.metadata);
  bind_optional(v, 13, t.name);
  bind_optional(v, 14, t.unique_key);
  bind_optional(v, 15, t.batch);
  bind_optional(v, 16, t.limit ? t.limit->key : std::string());
  return v.run();
}

result<settle_outcome> sqlite_tables::settle_one(const settlement& s) {
  settle_outcome out;
  auto simply = settle_simply(s);
  if (!simply) return simply.error();
  if (*simply) {
    out.what = settle_outcome::kind::applied;
    out.state = task_state::done;
    return out;
  }
  auto found = read(s.id);
  if (!found) return found.error();
  if (!*found) return out;
  auto& r = **found;
  out.state = r.state;
  if (r.fence != s.fence) return out;
  if (r.state != task_state::running) {
    out.what = settle_outcome::kind::repeated;
    return out;
  }
  auto v = settle({r.attempt, r.max_attempts, r.fence, r.cancel_requested}, s.outcome);
  auto done = conclude(r, v, s.outcome.text());
  if (!done) return done.error();
  out.what = settle_outcome::kind::applied;
  out.state = v.state;
  out.next_attempt = v.delay;
  return out;
}

// What most settlements are: a task is done, and nobody waits for it. One statement.
result<bool> sqlite_tables::settle_simply(const settlement& s) {
  using boost::system::in_place_error;
  if (!s.outcome.is_done() || anybody_waits_) return false;
  auto u =
      run("UPDATE queue_task SET state = 6, at = ?, result = ? WHERE id = ? AND fence = ?"
          " AND state = 5 AND limit_key IS NULL");
  if (!u) return {in_place_error, u.error()};
  (*u)->bind(1, ms(now_));
  bind_optional(**u, 2, s.outcome.text());
  auto done = (*u)->bind(3, s.id).bind(4, s.fence).run();
  if (!done) return {in_place_error, done.error()};
  return db_.changes() > 0;
}

// The attempt has ended.
result<void> sqlite_tables::conclude(const task_row& r, const verdict& v, const std::string& text) {
  bool done_well = v.state == task_state::done;
  auto s = run(done_well ? "UPDATE queue_task SET state = ?, at = ?, attempt = ?,"
                           " result = ?5 WHERE id = ?4"
                         : "UPDATE queue_task SET state = ?, at = ?, attempt = ?,"
                           " error = coalesce(?5, error) WHERE id = ?4");
  if (!s) return s.error();
  auto at = is_final(v.state) ? now_ : now_ + v.delay;
  auto attempt = std::int64_t(r.attempt) - (v.attempt_back ? 1 : 0);
  (*s)->bind(1, static_cast<std::int64_t>(v.state)).bind(2, ms(at)).bind(3, attempt);
  (*s)->bind(4, r.id);
  bind_optional(**s, 5, done_well ? text : cut(text, task_bounds::error_bytes));
  auto done = (*s)->run();
  if (done && !r.limit_key.empty()) done = leave_gate(r.limit_key);
  if (done && is_final(v.state) && anybody_waits_) done = end_dependants(r.id, v.state);
  return done;
}

// Those that waited go on, or end with it. A list in place of recursion: chains may be long.
result<void> sqlite_tables::end_dependants(task_id first, task_state first_state) {
  std::vector<std::pair<task_id, task_state>> ended{{first, first_state}};
  while (!ended.empty()) {
    auto [id, state] = ended.back();
    ended.pop_back();
    auto s = run("SELECT task FROM queue_dependency WHERE needs = ?");
    if (!s) return s.error();
    (*s)->bind(1, id);
    std::vector<std::int64_t> tasks;
    while (true) {
      auto more = (*s)->step();
      if (!more) return more.error();
      if (!*more) break;
      tasks.push_back((*s)->integer(0));
    }
    if (tasks.empty()) continue;
    auto done =
        execute("DELETE FROM queue_dependency WHERE needs = ?", {static_cast<std::int64_t>(id)});
    for (auto task : tasks) {
      if (!done) return done;
      if (state == task_state::done) {
        done = execute(
            "UPDATE queue_task SET waits_for = waits_for - 1, state ="
            " CASE WHEN waits_for > 1 THEN 0 WHEN at > ?2 THEN 2 ELSE 4 END"
            " WHERE id = ?1 AND state = 0",
            {task, ms(now_)});
        continue;
      }
      auto u = run("UPDATE queue_task SET state = 8, at = ?, error = ? WHERE id = ? AND state = 0");
      if (!u) return u.error();
      auto why = std::string(dependency_text) + std::to_string(id);
      done = (*u)->bind(1, ms(now_)).bind(2, std::string_view(why)).bind(3, task).run();
      if (done && db_.changes() > 0)
        ended.emplace_back(static_cast<task_id>(task), task_state::discarded);
    }
    if (!done) return done;
  }
  return {};
}

result<void> sqlite_tables::progress(const progress_note& note) {
  auto s = run("UPDATE queue_task SET progress = ? WHERE id = ? AND fence = ? AND state = 5");
  if (!s) return s.error();
  return (*s)->bind(1, std::string_view(note.progress)).bind(2, note.id).bind(3, note.fence).run();
}

result<sqlite_tables::held_gate*> sqlite_tables::gate_of(const std::string& key) {
  auto& g = gates_[key];
  if (g.there) return &g;
  auto s =
      run("SELECT max_running, max_starts, period, running, held, spread_until_us"
          " FROM queue_gate WHERE key = ?");
  if (!s) return s.error();
  auto& v = **s;
  auto row = v.bind(1, std::string_view(key)).step();
  if (!row) return row.error();
  g.there = true;
  if (!*row) return &g;
  g.at.max_running = static_cast<std::uint32_t>(v.integer(0));
  g.at.max_starts = static_cast<std::uint32_t>(v.integer(1));
  g.at.period = milliseconds(v.integer(2));
  g.at.running = static_cast<std::uint32_t>(v.integer(3));
  g.held = v.integer(4);
  g.at.spread_until_us = v.integer(5);
  v.reset();
  return &g;
}

result<void> sqlite_tables::leave_gate(const std::string& key) {
  auto g = gate_of(key);
  if (!g) return g.error();
  (*g)->at.leave();
  (*g)->changed = true;
  return open_gate(key, **g);
}

// As many as may pass are ready; the gate counts them when they start.
result<void> sqlite_tables::open_gate(const std::string& key, held_gate& g) {
  auto at = g.at;
  while (g.held > 0 && at.open(now_)) {
    auto first = number_of(
        "SELECT id FROM queue_task WHERE state = 1 AND limit_key = ? ORDER BY lane, id LIMIT 1",
        key);
    if (!first) return first.error();
    g.changed = true;
    if (!*first) {
      g.held = 0;
      return {};
    }
    --g.held;
    at.enter(now_);
    auto done = execute("UPDATE queue_task SET state = 4 WHERE id = ?", {**first});
    if (!done) return done;
  }
  return {};
}

}  // namespace tidewire::queue
