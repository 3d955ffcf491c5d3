#pragma once

#include <tidewire/queue/task_handler.hpp>
#include <tidewire/queue/task_store.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// For tests of programs that use queues.
namespace tidewire::queue::testing {

// Calls a handler once, without a store, and gives what it says. A handler that waits is waited
// for, in real time.
outcome perform(const task_handler& handler, new_task task, std::uint32_t attempt = 1);

struct performed {
  task_record task;  // as it is afterwards
  outcome how = outcome::done();
};

// A queue without threads and without real time: nothing runs until a test says so, and the clock
// stands still until it is moved.
//
//   testing::test_queue q;
//   q.on("email", send_handler);
//   sign_up(q.store(), "ann");                       // code under test
//   EXPECT_TRUE(q.is_enqueued("email"));
//   EXPECT_EQ(q.drain().size(), 1u);
//
// Not thread-safe.
class test_queue {
 public:
  explicit test_queue(std::shared_ptr<task_store> store = make_memory_task_store());

  task_store& store() { return *store_; }
  std::shared_ptr<task_store> shared_store() { return store_; }
  queue_time now() const { return now_; }
  void advance(milliseconds by) { now_ += by; }

  void on(std::string kind, task_handler handler);
  result<task_id> enqueue(new_task task);

  // The next ready task, run to its end; nothing when none is ready.
  result<std::optional<performed>> run_one();
  // One after the other until none is ready. With `later`, time moves on to scheduled and retried
  // ones until nothing is left. At most `limit`.
  result<std::vector<performed>> drain(bool later = false, std::size_t limit = 10'000);

  // Live tasks of a kind, and of a payload that `wanted` accepts.
  std::vector<task_record> enqueued(const std::string& kind);
  bool is_enqueued(const std::string& kind,
                   const std::function<bool(const task_record&)>& wanted = nullptr);

 private:
  std::vector<std::string> kinds() const;

  std::shared_ptr<task_store> store_;
  std::map<std::string, task_handler> handlers_;
  queue_time now_{std::chrono::sys_days(std::chrono::year(2024) / 1 / 1)};
};

}  // namespace tidewire::queue::testing
