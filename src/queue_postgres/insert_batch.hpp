#pragma once

#include <tidewire/queue/task_store.hpp>
#include <tidewire/store_postgres/connection.hpp>

#include <span>
#include <string>
#include <vector>

namespace tidewire::queue_postgres {

// New tasks as statements, and the statements' answers as outcomes. Runs of tasks that have no
// name, key, tick, limit or dependency are one statement; each other task is one of its own.
class insert_batch {
 public:
  insert_batch(std::span<const queue::new_task> all, const std::string& prefix);

  std::size_t statements() const { return runs_.size(); }
  void add_to(store_postgres::batch& b) const;
  std::vector<queue::insert_outcome> read(std::span<const store_postgres::rows> answers) const;

 private:
  struct run {
    bool plain = true;
    std::vector<std::size_t> members;
  };
  void add_plain(store_postgres::batch& b, const run& r) const;
  void add_one(store_postgres::batch& b, const queue::new_task& t) const;

  std::span<const queue::new_task> all_;
  std::vector<error_code> faults_;  // one for each
  std::vector<run> runs_;
  std::string plain_sql_, one_sql_;
};

}  // namespace tidewire::queue_postgres
