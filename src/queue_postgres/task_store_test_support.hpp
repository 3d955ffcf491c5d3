#pragma once

#include "cluster.hpp"

#include <tidewire/queue_postgres/task_store.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tidewire::queue::test {

// A schema of its own for each who asks.
inline std::string fresh_schema() {
  static int n = 0;
  return "q" + std::to_string(++n);
}

inline std::shared_ptr<task_store> open_store(const std::string& url, const std::string& schema) {
  postgres_store_options options;
  options.address = url;
  options.schema = schema;
  std::string said;
  auto made = open_postgres_task_store(options, &said);
  EXPECT_TRUE(made) << made.error().message() << ": " << said;
  return made ? std::shared_ptr<task_store>(std::move(*made)) : nullptr;
}

}  // namespace tidewire::queue::test
