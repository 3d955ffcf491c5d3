#include "task_store.hpp"
#include "text.hpp"

#include <algorithm>
#include <set>

// The calls besides apply().
namespace tidewire::queue_postgres {
namespace {

namespace pg = store_postgres;
using queue::errc;
using queue::milliseconds;

query call(std::string sql) {
  return {std::move(sql), {}};
}

// PostgreSQL's integers have an end.
std::int64_t bounded(std::size_t n) {
  return static_cast<std::int64_t>(std::min<std::size_t>(n, 1'000'000'000'000));
}

// Ids of leases in order: rows are locked in it.
std::vector<queue::held_lease> in_order(std::span<const queue::held_lease> leases) {
  std::vector<queue::held_lease> out(leases.begin(), leases.end());
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.id < b.id; });
  return out;
}

}  // namespace

result<milliseconds> postgres_task_store::join_clock(const queue::machine_moment& moment) {
  auto row = ask(call("SELECT now_ms()"));
  if (!row) return row.error();
  return milliseconds(row->integer(0, 0)) - moment.monotonic;
}

result<queue::renewal> postgres_task_store::renew(std::span<const queue::held_lease> leases,
                                                  milliseconds lease, queue::queue_time) {
  std::vector<std::int64_t> ids, fences;
  for (auto& l : in_order(leases)) {
    ids.push_back(number(l.id));
    fences.push_back(number(l.fence));
  }
  pg::parameters p;
  p.add_array(ids).add_array(fences).add(std::int64_t(lease.count()));
  static const pg::statement renewing(
      "SELECT id, fence, cancel_requested FROM renew($1::bigint[], $2::bigint[], $3::bigint)");
  static const pg::statement pausing("SELECT paused FROM control");
  pg::batch b;
  b.add(renewing, std::move(p)).add(pausing);
  auto got = run(std::move(b), false);
  if (!got) return got.error();
  queue::renewal out;
  out.paused = got->at(1).boolean(0, 0);
  std::set<std::pair<queue::task_id, std::uint64_t>> kept;
  const auto& r = got->front();
  for (std::size_t row = 0; row < r.size(); ++row) {
    kept.emplace(r.unsigned_integer(row, 0), r.unsigned_integer(row, 1));
    if (r.boolean(row, 2)) out.cancel_requested.push_back(r.unsigned_integer(row, 0));
  }
  for (auto& l : leases)
    if (!kept.contains({l.id, l.fence})) out.lost.push_back(l);
  return out;
}

result<queue::cancel_answer> postgres_task_store::cancel(queue::task_id id, queue::queue_time) {
  auto q = call("SELECT cancel_task($1)");
  q.values.add(number(id));
  auto row = change(q);
  if (!row) return row.error();
  return static_cast<queue::cancel_answer>(row->integer(0, 0));
}

result<std::vector<queue::rescued_task>> postgres_task_store::reap(std::size_t most,
                                                                   queue::queue_time) {
  auto q = call("SELECT id, fence, state FROM reap($1)");
  q.values.add(bounded(most));
  auto r = ask(q);
  if (!r) return r.error();
  std::vector<queue::rescued_task> out;
  for (std::size_t row = 0; row < r->size(); ++row)
    out.push_back({r->unsigned_integer(row, 0), r->unsigned_integer(row, 1),
                   static_cast<queue::task_state>(r->integer(row, 2))});
  if (!out.empty()) {
    tell_others();
    changed();
  }
  return out;
}

result<queue::due_answer> postgres_task_store::next_due(std::span<const std::string> kinds,
                                                        queue::queue_time) {
  std::vector<std::string> storables;
  for (auto& k : kinds) storables.push_back(storable(k));
  auto q = call("SELECT idle, paused, ready_after, lease_ends FROM next_due($1::text[])");
  q.values.add_array(storables);
  auto r = ask(q);
  if (!r) return r.error();
  queue::due_answer out;
  out.idle = r->boolean(0, 0);
  out.paused = r->boolean(0, 1);
  if (!r->is_null(0, 2)) out.ready_after = milliseconds(r->integer(0, 2));
  if (!r->is_null(0, 3)) out.lease_ends = milliseconds(r->integer(0, 3));
  return out;
}

result<void> postgres_task_store::set_paused(bool paused) {
  auto q = call("SELECT set_paused($1)");
  q.values.add(paused);
  auto done = change(q);
  if (!done) return done.error();
  return {};
}

result<void> postgres_task_store::replay(queue::task_id id, queue::queue_time) {
  auto q =
      call("SELECT replay_tasks(ARRAY[$1::bigint]), EXISTS (SELECT 1 FROM task WHERE id = $1)");
  q.values.add(number(id));
  auto row = change(q);
  if (!row) return row.error();
  if (row->integer(0, 0) > 0) return {};
  return make_error_code(row->boolean(0, 1) ? errc::not_final : errc::not_found);
}

result<std::size_t> postgres_task_store::replay_all(const queue::task_filter& which,
                                                    queue::queue_time) {
  auto row = change(replay_query(which));
  if (!row) return row.error();
  return static_cast<std::size_t>(row->integer(0, 0));
}

result<bool> postgres_task_store::hasten(queue::task_id id, queue::queue_time) {
  auto q = call("SELECT hasten($1)");
  q.values.add(number(id));
  auto row = change(q);
  // An error_code could be taken for a bool, and a bool for one.
  if (!row) return {boost::system::in_place_error, row.error()};
  if (row->is_null(0, 0)) return {boost::system::in_place_error, make_error_code(errc::not_found)};
  return {boost::system::in_place_value, row->boolean(0, 0)};
}

result<std::size_t> postgres_task_store::prune(const queue::retention& keep, queue::queue_time) {
  auto q = call("SELECT prune($1, $2, $3)");
  q.values.add(std::int64_t(keep.finished_age.count()));
  q.values.add(std::int64_t(keep.dead_letter_age.count())).add(bounded(keep.max_finished));
  auto row = ask(q);
  if (!row) return row.error();
  tidy();
  return static_cast<std::size_t>(row->integer(0, 0));
}

result<std::optional<queue::task_record>> postgres_task_store::find_one(const query& q) {
  auto r = ask(q);
  if (!r) return r.error();
  std::optional<queue::task_record> out;
  if (!r->empty()) out = read_record(*r, 0);
  return out;
}

result<std::optional<queue::task_record>> postgres_task_store::find(queue::task_id id) {
  return find_one(find_query(id));
}

result<std::optional<queue::task_record>> postgres_task_store::find(const std::string& name) {
  return find_one(find_query(name));
}

result<std::vector<queue::task_record>> postgres_task_store::list(const queue::task_filter& which) {
  auto r = ask(list_query(which));
  if (!r) return r.error();
  std::vector<queue::task_record> out;
  for (std::size_t row = 0; row < r->size(); ++row) out.push_back(read_record(*r, row));
  return out;
}

result<queue::queue_stats> postgres_task_store::stats(const queue::task_filter& which,
                                                      queue::queue_time) {
  auto r = ask(stats_query(which));
  if (!r) return r.error();
  return read_stats(*r);
}

}  // namespace tidewire::queue_postgres
