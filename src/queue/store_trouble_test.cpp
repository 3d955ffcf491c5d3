#include <tidewire/core/error.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/queue/task_queue.hpp>
#include <tidewire/store_sqlite/error.hpp>

#include <gtest/gtest.h>

#include <optional>

// A queue whose store fails in the beginning.
namespace tidewire::queue {
namespace {

using namespace std::chrono_literals;

// A memory store that nobody can join while it is locked.
class lockable_store final : public task_store {
 public:
  bool locked = true;

  store_traits traits() const override {
    store_traits out;
    out.blocking = true;
    return out;
  }
  result<milliseconds> join_clock(const machine_moment& moment) override {
    if (locked) return make_error_code(store_sqlite::errc::locked);
    return under_->join_clock(moment);
  }
  result<store_answer> apply(store_work work, queue_time now) override {
    return under_->apply(std::move(work), now);
  }
  result<renewal> renew(std::span<const held_lease> leases, milliseconds lease,
                        queue_time now) override {
    return under_->renew(leases, lease, now);
  }
  result<cancel_answer> cancel(task_id id, queue_time now) override {
    return under_->cancel(id, now);
  }
  result<std::vector<rescued_task>> reap(std::size_t most, queue_time now) override {
    return under_->reap(most, now);
  }
  result<due_answer> next_due(std::span<const std::string> kinds, queue_time now) override {
    return under_->next_due(kinds, now);
  }
  result<void> set_paused(bool paused) override { return under_->set_paused(paused); }
  result<void> replay(task_id id, queue_time now) override { return under_->replay(id, now); }
  result<std::size_t> replay_all(const task_filter& which, queue_time now) override {
    return under_->replay_all(which, now);
  }
  result<bool> hasten(task_id id, queue_time now) override { return under_->hasten(id, now); }
  result<std::size_t> prune(const retention& keep, queue_time now) override {
    return under_->prune(keep, now);
  }
  result<std::optional<task_record>> find(task_id id) override { return under_->find(id); }
  result<std::optional<task_record>> find(const std::string& name) override {
    return under_->find(name);
  }
  result<std::vector<task_record>> list(const task_filter& which) override {
    return under_->list(which);
  }
  result<queue_stats> stats(const task_filter& which, queue_time now) override {
    return under_->stats(which, now);
  }

 private:
  std::unique_ptr<task_store> under_ = make_memory_task_store();
};

struct store_trouble_test : testing::Test {
  store_trouble_test() {
    options.store_executor = options.handler_executor = world.get_executor();
    q.emplace(context(world.get_executor(), world.random("queue")), store, options);
  }
  lab::world world;
  std::shared_ptr<lockable_store> store = std::make_shared<lockable_store>();
  task_queue_options options;
  std::optional<task_queue> q;
};

TEST_F(store_trouble_test, every_call_is_answered_though_the_time_is_not_known) {
  std::optional<error_code> status, call, paused, enqueued;
  q->async_status([&](error_code ec, queue_status) { status = ec; });
  q->async_call<bool>([](task_store&, queue_time) { return result<bool>(true); },
                      [&](error_code ec, bool) { call = ec; });
  q->async_pause([&](error_code ec) { paused = ec; });
  q->async_enqueue(new_task("work"), [&](error_code ec, task_handle) { enqueued = ec; });
  world.run_for(1s);
  for (auto* answer : {&status, &call, &paused, &enqueued})
    EXPECT_EQ(*answer, make_error_code(store_sqlite::errc::locked));
}

TEST_F(store_trouble_test, work_begins_when_the_store_is_free) {
  std::vector<task_id> ran;
  q->on("work", [&](task_context c) -> asio::awaitable<outcome> {
    ran.push_back(c.id());
    co_return outcome::done();
  });
  world.run_for(5s);
  store->locked = false;
  std::optional<error_code> enqueued, ended;
  q->async_enqueue(new_task("work"), [&](error_code ec, task_handle h) {
    enqueued = ec;
    h.async_wait([&](error_code how, task_result) { ended = how; });
  });
  world.run_for(30s);
  EXPECT_EQ(enqueued, error_code());
  EXPECT_EQ(ended, error_code());
  EXPECT_EQ(ran, std::vector<task_id>{1});
}

}  // namespace
}  // namespace tidewire::queue
