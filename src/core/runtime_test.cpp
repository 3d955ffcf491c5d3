#include <tidewire/core/clock.hpp>
#include <tidewire/core/runtime.hpp>
#include <tidewire/core/timer.hpp>

#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tidewire {
namespace {

using namespace std::chrono_literals;

// A user's event loop.
class gui_loop {
 public:
  runtime::post_function post() {
    return [this](runtime::task t) {
      std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(t));
      changed_.notify_all();
    };
  }
  std::size_t size() {
    std::lock_guard lock(mutex_);
    return tasks_.size();
  }
  // Waits for one task and runs it on the calling thread.
  void run_one() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !tasks_.empty(); });
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<runtime::task> tasks_;
};

// The thread that executes work given to the executor.
std::thread::id thread_of(runtime& r) {
  std::promise<std::thread::id> id;
  asio::post(r.get_executor(), [&] { id.set_value(std::this_thread::get_id()); });
  return id.get_future().get();
}

TEST(runtime, delivers_through_the_post_function) {
  gui_loop loop;
  runtime r(loop.post());
  std::thread::id seen;
  asio::post(r.get_executor(), [&] { r.deliver([&] { seen = std::this_thread::get_id(); }); });
  loop.run_one();
  EXPECT_EQ(seen, std::this_thread::get_id());
}

TEST(runtime, delivers_on_its_own_thread_without_one) {
  runtime r;
  EXPECT_NE(thread_of(r), std::this_thread::get_id());
  std::promise<std::thread::id> seen;
  r.deliver([&] { seen.set_value(std::this_thread::get_id()); });
  EXPECT_EQ(seen.get_future().get(), thread_of(r));
}

TEST(runtime, wraps_callbacks_of_operations) {
  gui_loop loop;
  runtime r(loop.post());
  timer t(r.get_executor());
  int calls = 0;
  asio::post(r.get_executor(), [&] {
    t.expires_after(1ms);
    t.async_wait(r.callback([&](error_code ec) {
      EXPECT_FALSE(ec);
      ++calls;
    }));
  });
  loop.run_one();
  EXPECT_EQ(calls, 1);
  r.stop();
}

TEST(runtime, passes_values_that_only_move_to_callbacks_that_only_move) {
  gui_loop loop;
  runtime r(loop.post());
  std::string got;
  auto wrapped = r.callback(
      [&, bound = std::make_unique<std::string>("a")](std::unique_ptr<std::string> s, int n) {
        got = *bound + *s + std::to_string(n);
      });
  wrapped(std::make_unique<std::string>("b"), 1);
  loop.run_one();
  EXPECT_EQ(got, "ab1");
}

TEST(runtime, keeps_the_order_of_delivery) {
  std::vector<int> seen;
  runtime r;
  for (int i = 0; i < 100; ++i) r.deliver([&, i] { seen.push_back(i); });
  std::promise<void> done;
  r.deliver([&] { done.set_value(); });
  done.get_future().get();
  ASSERT_EQ(seen.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(runtime, nothing_runs_after_stop_even_if_it_was_posted) {
  gui_loop loop;
  runtime r(loop.post());
  int calls = 0;
  auto wrapped = r.callback([&](int) { ++calls; });
  wrapped(1);
  r.deliver([&] { ++calls; });
  ASSERT_EQ(loop.size(), 2U);
  r.stop();
  loop.run_one();
  loop.run_one();
  EXPECT_EQ(calls, 0);
}

TEST(runtime, nothing_piles_up_after_stop) {
  gui_loop loop;
  runtime r(loop.post());
  auto wrapped = r.callback([](int) {});
  r.stop();
  wrapped(1);
  r.deliver([] {});
  EXPECT_EQ(loop.size(), 0U);
}

TEST(runtime, stop_is_idempotent_and_may_come_from_several_threads) {
  runtime r;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { r.stop(); });
  for (auto& t : threads) t.join();
  r.stop();
}

TEST(runtime, stop_from_inside_a_callback_on_the_users_thread) {
  gui_loop loop;
  runtime r(loop.post());
  int calls = 0;
  for (int i = 0; i < 2; ++i)
    r.deliver([&] {
      ++calls;
      r.stop();
    });
  loop.run_one();
  loop.run_one();
  EXPECT_EQ(calls, 1);
}

TEST(runtime, stop_from_inside_a_callback_on_its_own_thread) {
  runtime r;
  std::atomic<int> calls = 0;
  std::promise<void> stopped;
  asio::post(r.get_executor(), [&] {  // so that both are queued before the first runs
    for (int i = 0; i < 2; ++i)
      r.deliver([&] {
        if (++calls > 1) return;
        r.stop();
        stopped.set_value();
      });
  });
  stopped.get_future().get();
  r.stop();  // now the thread has ended
  EXPECT_EQ(calls, 1);
}

TEST(runtime, two_stops_one_on_its_own_thread_do_not_wait_for_each_other) {
  for (int round = 0; round < 200; ++round) {
    runtime r;
    std::promise<void> started;
    asio::post(r.get_executor(), [&] {
      started.set_value();
      r.stop();
    });
    started.get_future().get();
    r.stop();
  }
}

TEST(runtime, stop_waits_for_a_callback_that_is_running) {
  gui_loop loop;
  runtime r(loop.post());
  std::promise<void> inside, leave;
  std::atomic<bool> ended = false;
  r.deliver([&] {
    inside.set_value();
    leave.get_future().get();
    ended = true;
  });
  std::thread gui([&] { loop.run_one(); });
  inside.get_future().get();
  auto stopping = std::async(std::launch::async, [&] {
    r.stop();
    return ended.load();
  });
  // Not a proof, only a chance for a stop() that doesn't wait to be caught.
  EXPECT_EQ(stopping.wait_for(20ms), std::future_status::timeout);
  leave.set_value();
  EXPECT_TRUE(stopping.get());
  gui.join();
}

TEST(runtime, may_be_destroyed_with_work_pending) {
  gui_loop loop;
  auto alive = std::make_shared<int>(0);
  int calls = 0;
  {
    runtime r(loop.post());
    timer t(r.get_executor());
    std::promise<void> waiting;
    asio::post(r.get_executor(), [&] {
      t.expires_after(1h);
      t.async_wait(r.callback([&calls, alive](error_code) { ++calls; }));
      waiting.set_value();
    });
    waiting.get_future().get();
    r.deliver([&calls, alive] { ++calls; });
    r.stop();
  }
  EXPECT_EQ(loop.size(), 1U);
  loop.run_one();  // outlived the runtime
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(runtime, a_wrapped_callback_may_outlive_the_runtime) {
  for (bool own_thread : {false, true}) {
    gui_loop loop;
    int calls = 0;
    auto r = own_thread ? std::make_unique<runtime>() : std::make_unique<runtime>(loop.post());
    auto wrapped = r->callback([&](int) { ++calls; });
    r.reset();
    wrapped(1);
    EXPECT_EQ(loop.size(), 0U);
    EXPECT_EQ(calls, 0);
  }
}

}  // namespace
}  // namespace tidewire
