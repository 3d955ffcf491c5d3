#pragma once

#include "exit_code.hpp"

#include <tidewire/queue/task_store.hpp>
#include <tidewire/store_sqlite/database.hpp>

#include <memory>
#include <string>

namespace tidewire::cli {

enum class when_missing { make, refuse };

// A store, or what is wrong in words for people.
struct opened_store {
  std::unique_ptr<queue::task_store> store;
  exit_code code = exit_code::ok;
  std::string fault;
};

// The one place that knows which stores there are. `address` is --store's text.
opened_store open_task_store(const std::string& address, when_missing missing,
                             store_sqlite::durability survives = store_sqlite::durability::power);

}  // namespace tidewire::cli
