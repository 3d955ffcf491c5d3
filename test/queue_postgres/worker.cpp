#include <tidewire/core/context.hpp>
#include <tidewire/queue/task_queue.hpp>
#include <tidewire/queue_postgres/task_store.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

// A worker until it is killed: tidewire_queue_test_worker ADDRESS SCHEMA NAME LEASE_MS
// Each start is a line "ID FENCE" on standard output; each effect is a row of the table `effect`,
// written with the end of its attempt in one transaction.
namespace {

using namespace tidewire;
namespace pg = store_postgres;

pg::connection* own_line(const std::string& address, const std::string& schema) {
  thread_local std::optional<pg::connection> line;
  if (!line) {
    pg::connection_options o;
    o.address = address;
    o.schema = schema;
    auto opened = pg::connection::open(o);
    if (opened) line.emplace(std::move(*opened));
  }
  return line && line->restore() ? &*line : nullptr;
}

queue::outcome write_effect(pg::connection& line, const queue::task_context& task,
                            const std::string& schema) {
  auto whole = pg::transaction::begin(line);
  if (!whole) return queue::outcome::retry("no transaction");
  pg::parameters p;
  p.add(task.id()).add(task.fence());
  auto effect = line.query("INSERT INTO effect (task, fence) VALUES ($1, $2)", p);
  if (!effect) return queue::outcome::retry(line.last_message());
  auto ended = queue::complete_in(line, task, "\"ok\"", schema);
  if (!ended) return queue::outcome::done();  // another attempt has it: nothing was written
  auto committed = whole->commit();
  return committed ? queue::outcome::done("\"ok\"") : queue::outcome::retry("not committed");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  std::string address = argv[1], schema = argv[2];
  queue::postgres_store_options where;
  where.address = address;
  where.schema = schema;
  auto opened = queue::open_postgres_task_store(where);
  if (!opened) return 1;
  std::shared_ptr<queue::task_store> store = std::move(*opened);
  asio::io_context io;
  context ctx(io.get_executor(), rng::from_entropy());
  queue::task_queue_options options;
  options.worker = argv[3];
  options.lease = std::chrono::milliseconds(std::atoll(argv[4]));
  options.max_concurrency = 4;
  queue::task_queue q(ctx, store, options);
  q.on("work", [&](queue::task_context task) -> queue::outcome {
    auto line = std::to_string(task.id()) + " " + std::to_string(task.fence()) + "\n";
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0)
      return queue::outcome::retry("no log");
    std::this_thread::sleep_for(std::chrono::milliseconds(task.id() % 7 * 5));
    auto* own = own_line(address, schema);
    if (!own) return queue::outcome::retry("no connection");
    return write_effect(*own, task, schema);
  });
  auto guard = asio::make_work_guard(io);
  io.run();
}
