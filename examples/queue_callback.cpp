#include <tidewire/core/runtime.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <iostream>
#include <semaphore>

using namespace tidewire;

int main() {
  runtime thread;  // or runtime thread(your GUI's "call this later"): callbacks then come there
  context ctx(thread.get_executor(), rng::from_entropy());
  queue::task_queue tasks(ctx, queue::make_memory_task_store());
  std::counting_semaphore<5> ended(0);
  std::binary_semaphore stopped(0);
  auto show = [&](error_code ec, queue::task_result r) {
    std::cout << "task " << r.id << ": " << (ec ? ec.message() : r.result) << std::endl;
    ended.release();
  };
  for (int i = 1; i <= 5; ++i) {
    queue::new_task options;
    options.priority = i == 5 ? queue::priority::high : queue::priority::medium;
    // Runs on a thread of a pool: it may block.
    auto square = [i](queue::task_context) { return queue::outcome::done(std::to_string(i * i)); };
    auto added = tasks.add(square, std::move(options));
    if (!added) return std::cerr << added.error().message() << "\n", 1;
    added->async_wait(thread.callback(show));
  }
  for (int i = 1; i <= 5; ++i) ended.acquire();
  tasks.async_stop(thread.callback([&](error_code) { stopped.release(); }));
  stopped.acquire();
}
