// A program whose author does not use Asio: callbacks, delivered to a loop of its own.
#include <tidewire/core/runtime.hpp>
#include <tidewire/core/timer.hpp>

#include <boost/asio/post.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <iostream>
#include <memory>
#include <mutex>

using namespace std::chrono_literals;

// What a GUI tool kit has: "call this later, on my thread".
class event_loop {
 public:
  void post(tidewire::runtime::task task) {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    arrived_.notify_one();
  }

  bool run_one() {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, 10s, [&] { return !tasks_.empty(); })) return false;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<tidewire::runtime::task> tasks_;
};

int main() {
  event_loop loop;
  tidewire::runtime runtime([&](tidewire::runtime::task task) { loop.post(std::move(task)); });
  auto timer = std::make_shared<tidewire::timer>(runtime.get_executor());
  bool came = false;
  auto on_time = runtime.callback([&](tidewire::error_code ec) { came = !ec; });
  // Objects of Tidewire without a strand of their own are touched on the runtime's thread.
  boost::asio::post(runtime.get_executor(), [timer, on_time] {
    timer->expires_after(10ms);
    timer->async_wait([timer, on_time](tidewire::error_code ec) { on_time(ec); });
  });
  while (!came && loop.run_one()) {
  }
  runtime.stop();
  std::cout << (came ? "the callback came" : "the callback never came") << '\n';
  return came ? 0 : 1;
}
