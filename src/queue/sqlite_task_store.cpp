#include "queue/machine.hpp"
#include "queue/sqlite_schema.hpp"
#include "queue/sqlite_tables.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/queue/sqlite_task_store.hpp>

#include <utility>

namespace tidewire::queue {
namespace {

namespace sql = store_sqlite;

class sqlite_task_store final : public task_store {
 public:
  explicit sqlite_task_store(sql::database db) : db_(std::move(db)), tables_(db_) {}

  store_traits traits() const override { return {}; }

  result<milliseconds> join_clock(const machine_moment& moment) override {
    return write<milliseconds>({}, [&] { return tables_.join_clock(moment); });
  }
  result<store_answer> apply(store_work work, queue_time now) override;
  result<renewal> renew(std::span<const held_lease> leases, milliseconds lease,
                        queue_time now) override {
    return write<renewal>(now, [&] { return tables_.renew(leases, lease); });
  }
  result<cancel_answer> cancel(task_id id, queue_time now) override {
    return write<cancel_answer>(now, [&] { return tables_.cancel(id); });
  }
  result<std::vector<rescued_task>> reap(std::size_t most, queue_time now) override {
    // Looks before it takes the lock.
    auto due = tables_.next_due({}, now);
    if (!due) return due.error();
    if (!due->lease_ends || *due->lease_ends > milliseconds(0)) return std::vector<rescued_task>();
    return write<std::vector<rescued_task>>(now, [&] { return tables_.reap(most); });
  }
  result<due_answer> next_due(std::span<const std::string> kinds, queue_time now) override {
    return tables_.next_due(kinds, now);
  }
  result<void> set_paused(bool paused) override {
    return write<void>({}, [&] {
      tables_.set_paused(paused);
      return result<void>();
    });
  }
  result<void> replay(task_id id, queue_time now) override {
    return write<void>(now, [&] { return tables_.replay(id); });
  }
  result<std::size_t> replay_all(const task_filter& which, queue_time now) override;
  result<bool> hasten(task_id id, queue_time now) override {
    return write<bool>(now, [&] { return tables_.hasten(id); });
  }
  result<std::size_t> prune(const retention& keep, queue_time now) override {
    return write<std::size_t>(now, [&] { return tables_.prune(keep); });
  }
  result<std::optional<task_record>> find(task_id id) override { return tables_.find(id); }
  result<std::optional<task_record>> find(const std::string& name) override {
    return tables_.find(name);
  }
  result<std::vector<task_record>> list(const task_filter& which) override {
    return tables_.list(which);
  }
  result<queue_stats> stats(const task_filter& which, queue_time now) override {
    return tables_.stats(which, now);
  }

 private:
  template <class T, class Body>
  result<T> write(queue_time now, Body body) {
    using boost::system::in_place_error;
    auto all = sql::transaction::begin(db_);
    if (!all) return {in_place_error, all.error()};
    auto begun = tables_.begin(now);
    if (!begun) return {in_place_error, begun.error()};
    result<T> out = body();
    if (!out) return out;
    auto done = tables_.finish();
    if (done) done = all->commit();
    if (!done) return {in_place_error, done.error()};
    return out;
  }
  result<store_answer> run(store_work& work);

  sql::database db_;
  sqlite_tables tables_;
};

result<store_answer> sqlite_task_store::run(store_work& work) {
  store_answer out;
  out.settlements.reserve(work.settlements.size());
  out.inserts.reserve(work.inserts.size());
  for (auto& s : work.settlements) {
    auto one = tables_.settle_one(s);
    if (!one) return one.error();
    out.settlements.push_back(*one);
  }
  for (auto& p : work.progress) {
    auto one = tables_.progress(p);
    if (!one) return one.error();
  }
  for (auto& t : work.inserts) {
    auto one = tables_.insert(t);
    if (!one) return one.error();
    out.inserts.push_back(*one);
  }
  if (work.claim) {
    auto done = tables_.claim(*work.claim, out.claimed);
    if (!done) return done.error();
  }
  return out;
}

result<store_answer> sqlite_task_store::apply(store_work work, queue_time now) {
  bool only_claims = work.settlements.empty() && work.progress.empty() && work.inserts.empty();
  if (only_claims && work.claim) {
    // A worker that finds nothing writes nothing.
    auto due = tables_.next_due(work.claim->kinds, now);
    if (!due) return due.error();
    if (due->paused || !due->ready_after || *due->ready_after > milliseconds(0))
      return store_answer();
  }
  return write<store_answer>(now, [&] { return run(work); });
}

result<std::size_t> sqlite_task_store::replay_all(const task_filter& which, queue_time now) {
  return write<std::size_t>(now, [&]() -> result<std::size_t> {
    auto ids = tables_.dead_letters(which);
    if (!ids) return ids.error();
    for (auto id : *ids) {
      auto done = tables_.replay(id);
      if (!done) return done.error();
    }
    return ids->size();
  });
}

// The tables as guests in a file that has an id and a version of its own.
result<void> move_in(sql::database& db) {
  auto all = sql::transaction::begin(db);
  if (!all) return all.error();
  auto there = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'queue_state'");
  if (!there) return there.error();
  auto row = there->step();
  if (!row) return row.error();
  if (*row) {
    there->reset();
    auto version = db.prepare("SELECT version FROM queue_state");
    if (!version) return version.error();
    auto found = version->step();
    if (!found) return found.error();
    if (!*found) return make_error_code(errc::corrupt);
    if (version->integer(0) > sqlite_schema_version) return make_error_code(errc::newer_schema);
    return {};
  }
  auto made = db.execute(std::string(sqlite_version_1));
  if (!made) return made;
  return all->commit();
}

result<queue_time> time_in(sqlite_tables& tables, const clock& time) {
  auto monotonic = std::chrono::floor<milliseconds>(time.now().time_since_epoch());
  machine_moment moment{boot_name(), monotonic, std::chrono::floor<milliseconds>(time.wall_now())};
  auto begun = tables.begin({});
  if (!begun) return begun.error();
  auto offset = tables.join_clock(moment);
  if (!offset) return offset.error();
  return queue_time(monotonic + *offset);
}

}  // namespace

result<std::unique_ptr<task_store>> open_sqlite_task_store(const std::string& path,
                                                           sqlite_store_options options,
                                                           std::string* said) {
  sql::database_options o;
  o.application_id = sqlite_application_id;
  o.migrations = {sqlite_version_1};
  o.survives = options.survives;
  o.guest = options.guest;
  o.busy_timeout = options.busy_timeout;
  auto db = sql::database::open(path, o, said);
  if (!db) return db.error();
  if (options.guest) {
    auto moved = move_in(*db);
    if (!moved) {
      if (said) *said = moved.error().message();
      return moved.error();
    }
  }
  return std::unique_ptr<task_store>(std::make_unique<sqlite_task_store>(std::move(*db)));
}

result<insert_outcome> enqueue_in(sql::database& db, const clock& time, new_task task) {
  sqlite_tables tables(db);
  auto now = time_in(tables, time);
  if (!now) return now.error();
  tables.at(*now);
  auto out = tables.insert(task);
  if (!out) return out;
  auto done = tables.finish();
  if (!done) return done.error();
  return out;
}

result<void> complete_in(sql::database& db, const clock& time, const task_context& task,
                         std::string result_json) {
  if (!result_json.empty() && !check_json(result_json, {task_bounds::result_bytes, 64}))
    return make_error_code(errc::bad_payload);
  sqlite_tables tables(db);
  auto now = time_in(tables, time);
  if (!now) return now.error();
  tables.at(*now);
  settlement s{task.id(), task.fence(), outcome::done(std::move(result_json))};
  auto out = tables.settle_one(s);
  if (!out) return out.error();
  if (out->what != settle_outcome::kind::applied) return make_error_code(errc::lost);
  return tables.finish();
}

}  // namespace tidewire::queue
