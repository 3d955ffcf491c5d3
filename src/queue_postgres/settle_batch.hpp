#pragma once

#include <tidewire/queue/task_store.hpp>
#include <tidewire/store_postgres/connection.hpp>

#include <span>
#include <string>
#include <vector>

namespace tidewire::queue_postgres {

// Settlements as statements, and the statements' answers as outcomes. Those that are done go
// together, which is the short way; the others go together; and a task that is settled twice is
// settled by one statement after the other. Rows are locked in the order of ids.
class settle_batch {
 public:
  // `prefix` stands before the functions' names: a schema's name with its dot, or nothing.
  settle_batch(std::span<const queue::settlement> all, const std::string& prefix);

  std::size_t statements() const { return groups_.size(); }
  void add_to(store_postgres::batch& b) const;
  // The answers to its statements, in their order.
  std::vector<queue::settle_outcome> read(std::span<const store_postgres::rows> answers) const;
  bool empty() const { return all_.empty(); }

 private:
  struct group {
    bool done = false;
    std::vector<std::size_t> members;  // in the order of their tasks' ids
  };
  void add_done(store_postgres::batch& b, const group& g) const;
  void add_other(store_postgres::batch& b, const group& g) const;
  std::size_t index_of(const group& g, std::int64_t id) const;

  std::span<const queue::settlement> all_;
  std::vector<group> groups_;
  std::string done_sql_, other_sql_;
};

}  // namespace tidewire::queue_postgres
