#include "insert_batch.hpp"

#include "queue/task_rules.hpp"
#include "text.hpp"

namespace tidewire::queue_postgres {
namespace {

namespace pg = store_postgres;
using queue::errc;
using queue::new_task;
using defaults = queue::task_defaults;

bool is_plain(const new_task& t) {
  return t.name.empty() && t.unique_key.empty() && !t.tick && !t.limit && t.depends_on.empty() &&
         t.depends_on_names.empty();
}

error_code fault_of(const new_task& t) {
  if (t.function || t.kind.empty()) return errc::in_process_only;
  return queue::check(t);
}

std::int64_t attempts_of(const new_task& t) {
  return t.max_attempts.value_or(defaults::max_attempts);
}
std::int64_t timeout_of(const new_task& t) {
  return t.timeout.value_or(defaults::timeout).count();
}
std::int64_t retry_delay_of(const new_task& t) {
  return t.retry_delay.value_or(defaults::retry_delay).count();
}

}  // namespace

insert_batch::insert_batch(std::span<const new_task> all, const std::string& prefix)
    : all_(all),
      plain_sql_("SELECT id FROM " + prefix +
                 "add_plain($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[],"
                 " $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])"),
      one_sql_("SELECT id, duplicate, fault FROM " + prefix +
               "add_task($1::text, $2::int, $3::text, $4::text, $5::text, $6::bigint, $7::int,"
               " $8::bigint, $9::bigint, $10::text, $11::text, $12::text, $13::bigint,"
               " $14::bigint[], $15::text[], $16::text, $17::bigint, $18::bigint, $19::bigint)") {
  for (std::size_t i = 0; i < all.size(); ++i) {
    faults_.push_back(fault_of(all[i]));
    if (faults_.back()) continue;
    bool plain = is_plain(all[i]);
    if (runs_.empty() || !plain || !runs_.back().plain) runs_.push_back({plain, {}});
    runs_.back().members.push_back(i);
  }
}

void insert_batch::add_to(pg::batch& b) const {
  for (const auto& r : runs_) {
    if (r.plain)
      add_plain(b, r);
    else
      add_one(b, all_[r.members.front()]);
  }
}

void insert_batch::add_plain(pg::batch& b, const run& r) const {
  std::vector<std::string> kinds;
  std::vector<std::optional<std::string>> payloads, metadatas, batches;
  std::vector<std::int64_t> lanes, delays, attempts, timeouts, retry_delays;
  for (auto i : r.members) {
    const auto& t = all_[i];
    kinds.push_back(t.kind);
    lanes.push_back(static_cast<std::int64_t>(t.priority));
    payloads.push_back(or_null(t.payload));
    metadatas.push_back(or_null(t.metadata));
    batches.push_back(or_null(t.batch));
    delays.push_back(t.delay.count());
    attempts.push_back(attempts_of(t));
    timeouts.push_back(timeout_of(t));
    retry_delays.push_back(retry_delay_of(t));
  }
  pg::parameters p;
  p.add_array(kinds).add_array(lanes).add_array(payloads).add_array(metadatas).add_array(batches);
  p.add_array(delays).add_array(attempts).add_array(timeouts).add_array(retry_delays);
  b.add(pg::statement(plain_sql_), std::move(p));
}

void insert_batch::add_one(pg::batch& b, const new_task& t) const {
  std::vector<std::int64_t> needs;
  for (auto id : t.depends_on) needs.push_back(number(id));
  pg::parameters p;
  p.add(t.kind).add(static_cast<int>(t.priority)).add(or_null(t.payload)).add(or_null(t.metadata));
  p.add(or_null(t.batch)).add(t.delay.count()).add(attempts_of(t)).add(timeout_of(t));
  p.add(retry_delay_of(t)).add(or_null(t.name)).add(or_null(t.unique_key));
  if (t.tick)
    p.add(t.tick->schedule).add(t.tick->tick);
  else
    p.add_null().add_null();
  p.add_array(needs).add_array(t.depends_on_names);
  if (t.limit)
    p.add(t.limit->key)
        .add(number(t.limit->max_running))
        .add(number(t.limit->max_starts))
        .add(std::int64_t(t.limit->period.count()));
  else
    p.add_null().add_null().add_null().add_null();
  b.add(pg::statement(one_sql_), std::move(p));
}

std::vector<queue::insert_outcome> insert_batch::read(std::span<const pg::rows> answers) const {
  std::vector<queue::insert_outcome> out(all_.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i].error = faults_[i];
  for (std::size_t n = 0; n < runs_.size(); ++n) {
    const auto& r = runs_[n];
    const auto& rows = answers[n];
    for (std::size_t k = 0; k < r.members.size(); ++k) {
      auto& o = out[r.members[k]];
      o.id = rows.unsigned_integer(k, 0);
      if (r.plain) continue;
      o.duplicate = rows.boolean(k, 1);
      auto fault = rows.integer(k, 2);
      if (fault == 1) o.error = errc::unknown_dependency;
      if (fault == 2) o.error = errc::dependency_failed;
    }
  }
  return out;
}

}  // namespace tidewire::queue_postgres
