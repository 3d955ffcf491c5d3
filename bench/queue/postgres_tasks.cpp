#include <tidewire/core/context.hpp>
#include <tidewire/queue/task_queue.hpp>
#include <tidewire/queue_postgres/task_store.hpp>

#include <boost/asio/io_context.hpp>

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

// Tasks that do nothing, on PostgreSQL: how many a second are enqueued, and go from the first claim
// to the last settlement that is durable.
//   tidewire_bench_postgres_tasks ADDRESS TASKS CONCURRENCY BATCH [keep]
namespace {

using namespace tidewire;
using std::chrono::steady_clock;

double seconds_since(steady_clock::time_point from) {
  return std::chrono::duration<double>(steady_clock::now() - from).count();
}

double cpu_seconds() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  auto s = [](timeval t) { return static_cast<double>(t.tv_sec) + t.tv_usec / 1e6; };
  return s(u.ru_utime) + s(u.ru_stime);
}

int fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  return 1;
}

double enqueue(queue::task_store& store, std::size_t tasks, std::size_t batch) {
  auto from = steady_clock::now();
  for (std::size_t n = 0; n < tasks;) {
    queue::store_work work;
    for (std::size_t i = 0; i < batch && n < tasks; ++i, ++n)
      work.inserts.emplace_back("work", "{\"n\":" + std::to_string(n) + "}");
    if (!store.apply(std::move(work), {})) std::exit(fail("enqueuing failed"));
  }
  return seconds_since(from);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return fail("ADDRESS TASKS CONCURRENCY BATCH [keep]");
  auto number = [&](int i) { return static_cast<std::size_t>(std::atoll(argv[i])); };
  auto tasks = number(2), concurrency = number(3), batch = number(4);
  queue::postgres_store_options where;
  where.address = argv[1];
  where.schema = "bench";
  std::string said;
  auto opened = queue::open_postgres_task_store(where, &said);
  if (!opened) return fail(opened.error().message() + ": " + said);
  std::shared_ptr<queue::task_store> store = std::move(*opened);
  auto enqueued = enqueue(*store, tasks, batch);
  asio::io_context io;
  context ctx(io.get_executor(), rng(1));
  queue::task_queue_options options;
  options.max_concurrency = concurrency;
  options.batch = options.max_claimed_ahead = batch;
  options.keep.max_finished = argc > 5 ? tasks * 10 : 10'000;
  queue::task_queue q(ctx, store, options);
  std::size_t done = 0;
  auto from = steady_clock::now();
  double took = 0, cpu = cpu_seconds();
  auto count = q.events().completed.connect([&](const queue::task_completed&) {
    if (++done == tasks) took = seconds_since(from), io.stop();
  });
  q.on("work",
       queue::task_handler::quick([](queue::task_context) { return queue::outcome::done(); }));
  auto guard = asio::make_work_guard(io);
  io.run();
  cpu = cpu_seconds() - cpu;
  std::printf(
      "enqueued %.0f/s, run %.0f/s (concurrency %zu, batch %zu), worker's CPU %.1f us a task\n",
      static_cast<double>(tasks) / enqueued, static_cast<double>(tasks) / took, concurrency, batch,
      cpu / static_cast<double>(tasks) * 1e6);
  std::fflush(stdout);
  std::_Exit(0);
}
