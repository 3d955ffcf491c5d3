#include "queue/task_store_suite_test_support.hpp"
#include "task_store_test_support.hpp"

#include <thread>

namespace tidewire::queue::test {
namespace {

store_under_test postgres() {
  auto schema = fresh_schema();
  auto open = [schema] {
    return open_store(tidewire::test::postgres_cluster::shared().url(), schema);
  };
  store_under_test out;
  out.store = open();
  out.another = open;
  out.clock_is_virtual = false;
  out.pass = [](milliseconds d) { std::this_thread::sleep_for(d); };  // the clock is the server's
  return out;
}

INSTANTIATE_TEST_SUITE_P(postgres, task_store_suite,
                         testing::Values(store_factory{"postgres", postgres}), task_store_name);

}  // namespace
}  // namespace tidewire::queue::test
