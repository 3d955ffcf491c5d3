#include <tidewire/queue/sqlite_task_store.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <boost/asio.hpp>

#include <iostream>

using namespace tidewire;

asio::awaitable<void> use(queue::task_queue& tasks) {
  queue::new_task task("greet", R"({"name":"Ann"})");
  auto enqueuing = tasks.async_enqueue(std::move(task));
  auto handle = co_await std::move(enqueuing);  // from here on it survives a kill
  auto waiting = handle.async_wait();
  auto ended = co_await std::move(waiting);
  std::cout << "task " << ended.id << ": " << ended.result << std::endl;
  auto stopping = tasks.async_stop();
  co_await std::move(stopping);
}

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "usage: queue_coroutine FILE\n", 2;
  asio::io_context io;
  context ctx(io.get_executor(), rng::from_entropy());
  std::string said;
  auto store = queue::open_sqlite_task_store(argv[1], {}, &said);
  if (!store) return std::cerr << said << "\n", 1;
  queue::task_queue tasks(ctx, std::move(*store));
  tasks.on("greet", [](queue::task_context task) -> asio::awaitable<queue::outcome> {
    std::cout << "attempt " << task.attempt() << " at " << task.payload() << std::endl;
    if (task.attempt() == 1) co_return queue::outcome::retry("not in the mood");
    co_return queue::outcome::done("\"hello\"");
  });
  asio::co_spawn(io, use(tasks), asio::detached);
  io.run();
}
