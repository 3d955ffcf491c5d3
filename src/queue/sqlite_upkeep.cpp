#include "queue/sqlite_tables.hpp"

#include <algorithm>
#include <utility>

// The part of the SQLite store that people and upkeep ask for.
namespace tidewire::queue {
namespace {

constexpr std::string_view columns =
    "SELECT id, kind, payload, name, unique_key, metadata, batch, lane, state, attempt,"
    " max_attempts, fence, timeout, retry_delay, cancel_requested, limit_key, worker, progress,"
    " result, error, created, at FROM queue_task ";
// Of a task_filter; a number below zero, or an empty text, is any.
constexpr std::string_view matching =
    "(?1 < 0 OR state = ?1) AND (?2 < 0 OR lane = ?2) AND (?3 = '' OR kind = ?3)"
    " AND (?4 = '' OR batch = ?4) AND id > ?5";
constexpr std::int64_t dropped_at_once = 10'000;

std::int64_t ms(queue_time t) {
  return t.time_since_epoch().count();
}

std::string with(std::string_view a, std::string_view b, std::string_view c = {}) {
  return std::string(a) + std::string(b) + std::string(c);
}

void bind_filter(store_sqlite::statement& s, const task_filter& which) {
  s.bind(1, which.state ? static_cast<std::int64_t>(*which.state) : -1);
  s.bind(2, which.priority ? static_cast<std::int64_t>(*which.priority) : -1);
  s.bind(3, std::string_view(which.kind)).bind(4, std::string_view(which.batch));
  s.bind(5, which.after);
}

std::int64_t bounded(std::size_t limit) {
  return static_cast<std::int64_t>(std::min<std::size_t>(limit, 10'000));
}

}  // namespace

task_record sqlite_tables::record(const value& s) const {
  task_record out;
  out.id = s.unsigned_integer(0);
  out.kind = s.text(1);
  out.payload = s.text(2);
  out.name = s.text(3);
  out.unique_key = s.text(4);
  out.metadata = s.text(5);
  out.batch = s.text(6);
  out.priority = static_cast<queue::priority>(std::clamp<std::int64_t>(s.integer(7), 0, 2));
  out.state = static_cast<task_state>(std::clamp<std::int64_t>(s.integer(8), 0, 10));
  out.attempt = static_cast<std::uint32_t>(s.integer(9));
  out.max_attempts = static_cast<std::uint32_t>(s.integer(10));
  out.fence = s.unsigned_integer(11);
  out.timeout = milliseconds(s.integer(12));
  out.retry_delay = milliseconds(s.integer(13));
  out.cancel_requested = s.integer(14) != 0;
  out.limit_key = s.text(15);
  out.worker = s.text(16);
  out.progress = s.text(17);
  out.result = s.text(18);
  out.error = s.text(19);
  out.created = queue_time(milliseconds(s.integer(20)));
  auto at = queue_time(milliseconds(s.integer(21)));
  if (is_final(out.state))
    out.finished = at;
  else if (out.state == task_state::running)
    out.lease_until = at;
  else
    out.run_at = at;
  return out;
}

result<std::optional<task_record>> sqlite_tables::find(task_id id) {
  auto s = run_made(with(columns, "WHERE id = ?"));
  if (!s) return s.error();
  auto row = (*s)->bind(1, id).step();
  if (!row) return row.error();
  std::optional<task_record> out;
  if (*row) out = record(**s);
  (*s)->reset();
  return out;
}

result<std::optional<task_record>> sqlite_tables::find(const std::string& name) {
  auto id = number_of("SELECT id FROM queue_task WHERE name = ?", name);
  if (!id) return id.error();
  if (!*id) return std::optional<task_record>();
  return find(static_cast<task_id>(**id));
}

result<std::vector<task_record>> sqlite_tables::list(const task_filter& which) {
  auto s = run_made(with(columns, "WHERE ", matching) + " ORDER BY id LIMIT ?6");
  if (!s) return s.error();
  bind_filter(**s, which);
  (*s)->bind(6, bounded(which.limit));
  std::vector<task_record> out;
  while (true) {
    auto more = (*s)->step();
    if (!more) return more.error();
    if (!*more) return out;
    out.push_back(record(**s));
  }
}

result<std::vector<task_id>> sqlite_tables::dead_letters(const task_filter& which) {
  auto s = run_made(
      with("SELECT id FROM queue_task WHERE state >= 6 AND state IN (7, 8, 10) AND ", matching) +
      " ORDER BY id LIMIT ?6");
  if (!s) return s.error();
  bind_filter(**s, which);
  (*s)->bind(6, bounded(which.limit));
  std::vector<task_id> out;
  while (true) {
    auto more = (*s)->step();
    if (!more) return more.error();
    if (!*more) return out;
    out.push_back((*s)->unsigned_integer(0));
  }
}

result<queue_stats> sqlite_tables::stats(const task_filter& which, queue_time now) {
  queue_stats out;
  // What is due counts as ready, though nobody has claimed since.
  auto s = run_made(
      with("SELECT CASE WHEN state IN (2, 3) AND at <= ?6 THEN 4 ELSE state END AS s, lane,"
           " count(*), min(created) FROM queue_task WHERE ",
           matching, " GROUP BY s, lane"));
  if (!s) return s.error();
  auto& v = **s;
  bind_filter(v, which);
  v.bind(5, std::int64_t(0)).bind(6, ms(now));
  std::optional<std::int64_t> oldest;
  while (true) {
    auto more = v.step();
    if (!more) return more.error();
    if (!*more) break;
    auto state = static_cast<std::size_t>(std::clamp<std::int64_t>(v.integer(0), 0, 10));
    out.states[state] += v.unsigned_integer(2);
    if (state != static_cast<std::size_t>(task_state::ready)) continue;
    out.ready[static_cast<std::size_t>(std::clamp<std::int64_t>(v.integer(1), 0, 2))] +=
        v.unsigned_integer(2);
    oldest = std::min(oldest.value_or(v.integer(3)), v.integer(3));
  }
  if (oldest) out.oldest_ready = milliseconds(ms(now) - *oldest);
  auto paused = number("SELECT paused FROM queue_state");
  if (!paused) return paused.error();
  out.paused = paused->value_or(0) != 0;
  return out;
}

result<void> sqlite_tables::replay(task_id id) {
  auto found = read(id);
  if (!found) return found.error();
  if (!*found) return make_error_code(errc::not_found);
  if (!is_final((*found)->state)) return make_error_code(errc::not_final);
  // Its unique key may be another task's by now: then it goes on without.
  return execute(
      "UPDATE queue_task SET state = 4, at = ?2, attempt = 0, cancel_requested = 0, error = NULL,"
      " result = NULL, progress = NULL, waits_for = 0, unique_key = CASE WHEN EXISTS (SELECT 1"
      " FROM queue_task o WHERE o.unique_key = queue_task.unique_key AND o.state < 6)"
      " THEN NULL ELSE unique_key END WHERE id = ?1",
      {static_cast<std::int64_t>(id), ms(now_)});
}

result<bool> sqlite_tables::hasten(task_id id) {
  using boost::system::in_place_error;
  auto found = read(id);
  if (!found) return {in_place_error, found.error()};
  if (!*found) return {in_place_error, make_error_code(errc::not_found)};
  auto state = (*found)->state;
  if (state != task_state::scheduled && state != task_state::retrying) return false;
  auto done = execute("UPDATE queue_task SET state = 4, at = ? WHERE id = ?",
                      {ms(now_), static_cast<std::int64_t>(id)});
  if (!done) return {in_place_error, done.error()};
  return true;
}

result<std::size_t> sqlite_tables::drop(std::string_view sql,
                                        std::initializer_list<std::int64_t> values) {
  auto done = execute(sql, values);
  if (!done) return done.error();
  return static_cast<std::size_t>(db_.changes());
}

result<std::size_t> sqlite_tables::prune(const retention& keep) {
  std::size_t out = 0;
  auto ended = number("SELECT count(*) FROM queue_task WHERE state >= 6");
  if (!ended) return ended.error();
  auto beyond = ended->value_or(0) - static_cast<std::int64_t>(keep.max_finished);
  // What is done goes first, dead letters last.
  for (std::int64_t state : {6, 9, 7, 8, 10}) {
    if (beyond > 0) {
      auto n = drop(
          "DELETE FROM queue_task WHERE id IN (SELECT id FROM queue_task WHERE state = ?"
          " ORDER BY at, id LIMIT ?)",
          {state, std::min(beyond, dropped_at_once)});
      if (!n) return n;
      out += *n;
      beyond -= static_cast<std::int64_t>(*n);
    }
    bool dead = is_dead_letter(static_cast<task_state>(state));
    auto oldest = ms(now_ - (dead ? keep.dead_letter_age : keep.finished_age));
    auto old = drop(
        "DELETE FROM queue_task WHERE id IN (SELECT id FROM queue_task WHERE state = ?"
        " AND at < ? LIMIT ?)",
        {state, oldest, dropped_at_once});
    if (!old) return old;
    out += *old;
  }
  auto gates = drop(
      "DELETE FROM queue_gate WHERE key IN (SELECT key FROM queue_gate WHERE running = 0"
      " AND held = 0 AND spread_until_us <= ? * 1000 LIMIT ?)",
      {ms(now_), dropped_at_once});
  if (!gates) return gates;
  return out;
}

}  // namespace tidewire::queue
