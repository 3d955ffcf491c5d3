#include "insert_batch.hpp"
#include "schema.hpp"
#include "settle_batch.hpp"
#include "text.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/queue_postgres/task_store.hpp>

// What users do inside transactions of their own.
namespace tidewire::queue {
namespace {

namespace pg = store_postgres;

// A name that needs no quotes; migrate() takes no other.
bool plain(const std::string& name) {
  return !name.empty() && name.size() <= 63 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos;
}

error_code check_place(const pg::connection& in, const std::string& schema) {
  if (!in.usable()) return pg::errc::lost;
  if (!in.in_transaction() || !plain(schema)) return pg::errc::misuse;
  return {};
}

// Sent by the server with the commit.
void add_notify(pg::batch& b, const std::string& schema) {
  pg::parameters p;
  p.add(queue_postgres::channel_of(schema));
  b.add(pg::statement("SELECT pg_notify($1, '')"), std::move(p));
}

}  // namespace

result<std::vector<insert_outcome>> enqueue_all_in(pg::connection& in,
                                                   const std::vector<new_task>& tasks,
                                                   const std::string& schema) {
  if (auto ec = check_place(in, schema)) return ec;
  queue_postgres::insert_batch inserts(tasks, schema + ".");
  pg::batch b;
  inserts.add_to(b);
  add_notify(b, schema);
  auto answers = in.run(b);
  if (!answers) return answers.error();
  return inserts.read(*answers);
}

result<insert_outcome> enqueue_in(pg::connection& in, new_task task, const std::string& schema) {
  std::vector<new_task> one;
  one.push_back(std::move(task));
  auto all = enqueue_all_in(in, one, schema);
  if (!all) return all.error();
  return all->front();
}

result<void> complete_in(pg::connection& in, const held_lease& attempt, std::string result_json,
                         const std::string& schema) {
  if (auto ec = check_place(in, schema)) return ec;
  if (!result_json.empty() && !check_json(result_json, {task_bounds::result_bytes, 64}))
    return make_error_code(errc::bad_payload);
  settlement what{attempt.id, attempt.fence, outcome::done(std::move(result_json))};
  queue_postgres::settle_batch settling(std::span(&what, 1), schema + ".");
  pg::batch b;
  settling.add_to(b);
  add_notify(b, schema);
  auto answers = in.run(b);
  if (!answers) return answers.error();
  if (settling.read(*answers).front().what != settle_outcome::kind::applied)
    return make_error_code(errc::lost);
  return {};
}

}  // namespace tidewire::queue
