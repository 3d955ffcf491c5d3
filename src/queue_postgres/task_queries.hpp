#pragma once

#include <tidewire/queue/task_store.hpp>
#include <tidewire/store_postgres/connection.hpp>

#include <string>

namespace tidewire::queue_postgres {

// A statement whose text depends on what is asked for, with its values.
struct query {
  std::string sql;
  store_postgres::parameters values;
};

query find_query(queue::task_id id);
query find_query(const std::string& name);
query list_query(const queue::task_filter& which);
query stats_query(const queue::task_filter& which);
// Replays the dead letters of a filter.
query replay_query(const queue::task_filter& which);

queue::task_record read_record(const store_postgres::rows& answer, std::size_t row);
queue::queue_stats read_stats(const store_postgres::rows& answer);

}  // namespace tidewire::queue_postgres
