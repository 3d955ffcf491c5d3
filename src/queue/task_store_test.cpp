#include "queue/task_store_suite_test_support.hpp"

namespace tidewire::queue::test {
namespace {

store_under_test memory() {
  store_under_test out;
  out.store = make_memory_task_store();
  return out;
}

INSTANTIATE_TEST_SUITE_P(memory, task_store_suite, testing::Values(store_factory{"memory", memory}),
                         task_store_name);

}  // namespace
}  // namespace tidewire::queue::test
