#pragma once

#include <tidewire/queue/task_store.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tidewire::cli {

// What `queue doctor` found.
struct store_health {
  std::uint64_t schema_version = 0;
  queue::queue_stats counts;
  std::uint64_t expired_leases = 0;      // running tasks whose worker is silent
  std::vector<std::string> ready_kinds;  // of the ready tasks that were looked at
};

result<store_health> examine(queue::task_store& store, queue::queue_time now);

// What people should do; empty when all is well.
std::vector<std::string> advice_for(const store_health& h);

std::string health_text(const store_health& h, const std::vector<std::string>& advice);
std::string health_json(const store_health& h, const std::vector<std::string>& advice);

}  // namespace tidewire::cli
