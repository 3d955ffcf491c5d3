#include "task_queries.hpp"

#include "text.hpp"

#include <algorithm>

namespace tidewire::queue_postgres {
namespace {

namespace pg = store_postgres;
using queue::milliseconds;
using queue::queue_time;
using queue::task_filter;
using queue::task_state;

constexpr const char* record_columns =
    "SELECT t.id, t.kind, t.payload, t.name, t.unique_key, t.metadata, t.batch, t.lane, p.state,"
    " p.attempt, t.max_attempts, p.fence, t.timeout, t.retry_delay, p.cancel_requested,"
    " t.limit_key, p.worker, p.progress, p.result, p.error, t.created, p.due, p.lease_until,"
    " p.finished FROM ";

constexpr const char* with_places =
    " JOIN LATERAL (SELECT * FROM place WHERE place.id = t.id) p ON true";

// Where tasks of a state are, so that a few are not looked for among all.
std::string source_of(const std::optional<task_state>& state) {
  if (state == task_state::running) return "running s JOIN task t ON t.id = s.id";
  // Those behind a gate that is open are shown as ready.
  if (state == task_state::ready)
    return "(SELECT id FROM ready UNION ALL SELECT id FROM pending WHERE state = 1) s"
           " JOIN task t ON t.id = s.id";
  if (state && *state < task_state::ready) return "pending s JOIN task t ON t.id = s.id";
  if (state && queue::is_dead_letter(*state))
    return "(SELECT id FROM finished WHERE state IN (7, 8, 10)) s JOIN task t ON t.id = s.id";
  return "task t";
}

// The conditions of a filter, and its values from $1 on.
std::string conditions(const task_filter& which, pg::parameters& values) {
  std::string out = " WHERE true";
  int n = 0;
  auto add = [&](const std::string& text, auto value) {
    values.add(value);
    out += " AND " + text + std::to_string(++n);
  };
  if (which.after > 0) add("t.id > $", number(which.after));
  if (which.state) add("p.state = $", static_cast<int>(*which.state));
  if (which.priority) add("t.lane = $", static_cast<int>(*which.priority));
  if (!which.kind.empty()) add("t.kind = $", storable(which.kind));
  if (!which.batch.empty()) add("t.batch = $", storable(which.batch));
  return out;
}

std::string limit_of(const task_filter& which, std::size_t most) {
  return " ORDER BY t.id LIMIT " + std::to_string(std::min(which.limit, most));
}

std::optional<queue_time> time_in(const pg::rows& r, std::size_t row, int column) {
  if (r.is_null(row, column)) return std::nullopt;
  return queue_time(milliseconds(r.integer(row, column)));
}

// Counts without looking at each task: one scan of each place.
constexpr const char* all_counts =
    "WITH c AS ("
    " SELECT 4::smallint AS state, lane, count(*) AS n FROM ready GROUP BY lane UNION ALL"
    " SELECT shown_state(state, limit_key, now_ms()), lane, sum(n)::bigint FROM"
    "   (SELECT state, limit_key, lane, count(*) AS n FROM pending GROUP BY 1, 2, 3) x GROUP BY 1, "
    "2"
    " UNION ALL SELECT 5::smallint, 0::smallint, count(*) FROM running"
    " UNION ALL SELECT state, 0::smallint, count(*) FROM finished GROUP BY state)"
    " SELECT c.state, c.lane, c.n,"
    "  (SELECT now_ms() - t.created FROM task t WHERE t.id = (SELECT min(id) FROM ready)),"
    "  (SELECT paused FROM control) FROM (SELECT 0 AS one) o LEFT JOIN c ON true";

}  // namespace

query find_query(queue::task_id id) {
  query out{std::string(record_columns) + "task t" + with_places + " WHERE t.id = $1", {}};
  out.values.add(number(id));
  return out;
}

query find_query(const std::string& name) {
  query out{std::string(record_columns) + "task t" + with_places + " WHERE t.name = $1", {}};
  out.values.add(storable(name));
  return out;
}

query list_query(const task_filter& which) {
  query out;
  auto where = conditions(which, out.values);
  out.sql = record_columns + source_of(which.state) + with_places + where + limit_of(which, 10'000);
  return out;
}

query stats_query(const task_filter& which) {
  query out;
  bool all = !which.state && !which.priority && which.kind.empty() && which.batch.empty();
  if (all) {
    out.sql = all_counts;
    return out;
  }
  auto whole = which;
  whole.after = 0;
  auto where = conditions(whole, out.values);
  out.sql = "WITH c AS (SELECT p.state, t.lane, count(*) AS n, min(t.created) AS first FROM " +
            source_of(which.state) + with_places + where +
            " GROUP BY 1, 2) SELECT c.state, c.lane, c.n,"
            " CASE WHEN c.state = 4 THEN now_ms() - c.first END, (SELECT paused FROM control)"
            " FROM (SELECT 0 AS one) o LEFT JOIN c ON true";
  return out;
}

query replay_query(const task_filter& which) {
  query out;
  auto where = conditions(which, out.values);
  out.sql = "SELECT replay_tasks(ARRAY(SELECT t.id FROM " + source_of(task_state::failed) +
            with_places + where + " AND p.state IN (7, 8, 10)" + limit_of(which, 1'000'000) + "))";
  return out;
}

queue::task_record read_record(const pg::rows& r, std::size_t row) {
  queue::task_record out;
  out.id = r.unsigned_integer(row, 0);
  out.kind = r.text(row, 1);
  out.payload = r.text(row, 2);
  out.name = r.text(row, 3);
  out.unique_key = r.text(row, 4);
  out.metadata = r.text(row, 5);
  out.batch = r.text(row, 6);
  out.priority = static_cast<queue::priority>(r.integer(row, 7));
  out.state = static_cast<task_state>(r.integer(row, 8));
  out.attempt = static_cast<std::uint32_t>(r.integer(row, 9));
  out.max_attempts = static_cast<std::uint32_t>(r.integer(row, 10));
  out.fence = r.unsigned_integer(row, 11);
  out.timeout = milliseconds(r.integer(row, 12));
  out.retry_delay = milliseconds(r.integer(row, 13));
  out.cancel_requested = r.boolean(row, 14);
  out.limit_key = r.text(row, 15);
  out.worker = r.text(row, 16);
  out.progress = r.text(row, 17);
  out.result = r.text(row, 18);
  out.error = r.text(row, 19);
  out.created = queue_time(milliseconds(r.integer(row, 20)));
  out.run_at = time_in(r, row, 21);
  out.lease_until = time_in(r, row, 22);
  out.finished = time_in(r, row, 23);
  return out;
}

queue::queue_stats read_stats(const pg::rows& r) {
  queue::queue_stats out;
  for (std::size_t row = 0; row < r.size(); ++row) {
    out.paused = r.boolean(row, 4);
    if (r.is_null(row, 0)) continue;
    auto state = static_cast<std::size_t>(r.integer(row, 0));
    auto n = r.unsigned_integer(row, 2);
    if (state >= queue::task_states) continue;
    out.states[state] += n;
    if (state != static_cast<std::size_t>(task_state::ready)) continue;
    out.ready[static_cast<std::size_t>(std::clamp<std::int64_t>(r.integer(row, 1), 0, 2))] += n;
    if (r.is_null(row, 3)) continue;
    auto age = milliseconds(std::max<std::int64_t>(0, r.integer(row, 3)));
    out.oldest_ready = out.oldest_ready ? std::max(*out.oldest_ready, age) : age;
  }
  return out;
}

}  // namespace tidewire::queue_postgres
