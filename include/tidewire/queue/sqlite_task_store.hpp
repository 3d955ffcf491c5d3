#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/queue/task_context.hpp>
#include <tidewire/queue/task_store.hpp>
#include <tidewire/store_sqlite/database.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace tidewire::queue {

struct sqlite_store_options {
  store_sqlite::durability survives = store_sqlite::durability::power;
  // The tables (docs/formats/task-store.md) are guests in a database of yours, so that a task and
  // your own rows can be written in one transaction. Open yours first: it must be there.
  bool guest = false;
  std::chrono::milliseconds busy_timeout = std::chrono::seconds(5);
};

// Tasks in an SQLite file, which several processes of one machine may have open. Errors are
// store_sqlite::errc and errc::newer_schema; `said`, when given, is told more.
result<std::unique_ptr<task_store>> open_sqlite_task_store(const std::string& path,
                                                           sqlite_store_options options = {},
                                                           std::string* said = nullptr);

// A task that is there when your transaction commits, and else never was. `db` is a connection of
// yours to the same file, inside a transaction. A queue that waits in another process, or in this
// one, finds it at its next poll.
result<insert_outcome> enqueue_in(store_sqlite::database& db, const clock& time, new_task task);

// Ends the attempt inside your transaction: what the handler did and the end of the task are
// committed together or not at all, exactly once (T4). errc::lost: another attempt has the task:
// roll back. After the commit the handler returns outcome::done() with the same result.
result<void> complete_in(store_sqlite::database& db, const clock& time, const task_context& task,
                         std::string result_json = {});

}  // namespace tidewire::queue
