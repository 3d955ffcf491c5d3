#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/queue/task_context.hpp>
#include <tidewire/queue/task_store.hpp>
#include <tidewire/store_postgres/connection.hpp>
#include <tidewire/store_postgres/migration.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::queue {

struct postgres_store_options {
  std::string address;                    // as store_postgres::connection_options::address
  std::string schema = "tidewire_queue";  // made if it is not there, if the user may
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
  std::chrono::milliseconds call_timeout = std::chrono::seconds(30);
  // Other processes are told of changes by NOTIFY, at once, then no oftener than this.
  std::chrono::milliseconds notify_interval = std::chrono::milliseconds(20);
  // Notifications may be lost with a connection: watchers are told this often all the same.
  std::chrono::milliseconds look_interval = std::chrono::seconds(5);
};

// Tasks in PostgreSQL (docs/formats/task-store-postgres.md), for any number of processes on any
// number of machines. One apply() is one transaction in one round trip. The time is the server's.
//
// Errors are store_postgres::errc; newer_schema when a later version made the tables. A connection
// that was lost is made again by the next call. When it is lost during apply(), what was to be
// written may be there or not: settlements may be repeated, and tasks with names be inserted again.
// `said`, when given, is told more about an error of opening.
result<std::unique_ptr<task_store>> open_postgres_task_store(const postgres_store_options& options,
                                                             std::string* said = nullptr);

// The tables, for people who bring a schema up to date by hand.
store_postgres::schema_part postgres_task_schema(std::string schema = "tidewire_queue");

// Tasks that are there when your transaction commits, and else never were; their workers are told
// then. `in` is a connection of yours inside a transaction (store_postgres::errc::misuse: it is
// not), which after an error can only be rolled back. The tables must be there: a store was opened
// once, or migrate() called.
result<insert_outcome> enqueue_in(store_postgres::connection& in, new_task task,
                                  const std::string& schema = "tidewire_queue");
result<std::vector<insert_outcome>> enqueue_all_in(store_postgres::connection& in,
                                                   const std::vector<new_task>& tasks,
                                                   const std::string& schema = "tidewire_queue");

// Ends the attempt inside your transaction: what the handler did and the end of the task are
// committed together or not at all, exactly once (T4). errc::lost: another attempt has the task, or
// this one has ended before: roll back. After the commit the handler returns outcome::done() with
// the same result.
result<void> complete_in(store_postgres::connection& in, const held_lease& attempt,
                         std::string result_json = {},
                         const std::string& schema = "tidewire_queue");
inline result<void> complete_in(store_postgres::connection& in, const task_context& task,
                                std::string result_json = {},
                                const std::string& schema = "tidewire_queue") {
  return complete_in(in, held_lease{task.id(), task.fence()}, std::move(result_json), schema);
}

}  // namespace tidewire::queue
