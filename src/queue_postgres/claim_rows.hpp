#pragma once

#include <tidewire/queue/task_store.hpp>
#include <tidewire/store_postgres/connection.hpp>

#include <vector>

namespace tidewire::queue_postgres {

store_postgres::parameters claim_values(const queue::claim_request& request);
// The attempts that claim() began, in the order of their lanes' turns.
std::vector<queue::claimed_task> read_claimed(const store_postgres::rows& answer,
                                              queue::lane_policy lanes);

}  // namespace tidewire::queue_postgres
