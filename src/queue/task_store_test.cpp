#include "queue/task_store_suite_test_support.hpp"

#include <tidewire/queue/sqlite_task_store.hpp>

#include <filesystem>

namespace tidewire::queue::test {
namespace {

store_under_test memory() {
  store_under_test out;
  out.store = make_memory_task_store();
  out.another = [same = out.store] { return same; };
  return out;
}

struct folder {
  folder() {
    auto name = testing::TempDir() + "tidewire-queue-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~folder() { std::filesystem::remove_all(path); }
  std::string path;
};

store_under_test sqlite() {
  auto where = std::make_shared<folder>();
  auto open = [where]() -> std::shared_ptr<task_store> {
    sqlite_store_options options;
    options.survives = store_sqlite::durability::none;
    std::string said;
    auto made = open_sqlite_task_store(where->path + "/tasks.db", options, &said);
    EXPECT_TRUE(made) << said;
    return made ? std::shared_ptr<task_store>(std::move(*made)) : nullptr;
  };
  store_under_test out;
  out.store = open();
  out.another = open;
  return out;
}

INSTANTIATE_TEST_SUITE_P(here, task_store_suite,
                         testing::Values(store_factory{"memory", memory},
                                         store_factory{"sqlite", sqlite}),
                         task_store_name);

}  // namespace
}  // namespace tidewire::queue::test
