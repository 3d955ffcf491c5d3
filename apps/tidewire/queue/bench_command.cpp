#include "escape.hpp"
#include "options.hpp"
#include "queue/json_line.hpp"
#include "queue/queue_commands.hpp"
#include "queue/store_address.hpp"
#include "queue/store_session.hpp"
#include "terminal.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/core/rng.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace tidewire::cli {
namespace {

constexpr auto name = "bench";
constexpr auto kind = "bench";

struct bench_options {
  queue_options common;
  std::size_t tasks = 10'000, batch = 100, concurrency = 10;
  std::string durability = "power";
};

struct bench_figures {
  double enqueued_per_second = 0, done_per_second = 0;
};

store_sqlite::durability durability_of(const std::string& word) {
  return word == "power" ? store_sqlite::durability::power : store_sqlite::durability::process;
}

// A store of its own beside the one that is measured, on the same disk: nothing of that is touched.
class scratch_file {
 public:
  explicit scratch_file(const std::string& beside)
      : path_(fmt::format("{}.bench-{}", beside, ::getpid())) {}
  ~scratch_file() {
    for (auto suffix : {"", "-wal", "-shm"}) ::unlink((path_ + suffix).c_str());
  }
  scratch_file(const scratch_file&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class bench_run {
 public:
  bench_run(const bench_options& o, std::shared_ptr<queue::task_store> store)
      : options_(o),
        time_(io_.get_executor()),
        queue_(context(io_.get_executor(), rng::from_entropy()), std::move(store), limits(o)) {}

  result<bench_figures> run() {
    auto begin = time_.now();
    enqueue_some();
    io_.run();
    io_.restart();
    if (failure_) return failure_;
    auto middle = time_.now();
    auto ended = queue_.events().completed.connect([this](const queue::task_completed&) {
      if (++done_ == options_.tasks) end_ = time_.now(), stop();
    });
    if (!ended) return ended.error();
    auto trouble = queue_.events().store_trouble.connect([this](const queue::store_trouble& t) {
      failure_ = t.error;
      stop();
    });
    if (!trouble) return trouble.error();
    queue_.on(kind, queue::task_handler::quick(
                        [](const queue::task_context&) { return queue::outcome::done(); }));
    io_.run();
    if (failure_) return failure_;
    return bench_figures{rate(middle - begin), rate(end_ - middle)};
  }

 private:
  static queue::task_queue_options limits(const bench_options& o) {
    queue::task_queue_options out;
    out.max_concurrency = o.concurrency;
    out.keep.max_finished = 10 * o.tasks;  // pruning is not measured
    return out;
  }

  double rate(clock::duration took) const {
    return static_cast<double>(options_.tasks) / std::chrono::duration<double>(took).count();
  }

  void enqueue_some() {
    auto count = std::min(options_.batch, options_.tasks - enqueued_);
    if (count == 0) return;
    enqueued_ += count;
    std::vector<queue::new_task> some(count, queue::new_task(kind, "{\"n\":1}"));
    queue_.async_enqueue_all(std::move(some),
                             [this](error_code ec, const std::vector<queue::insert_outcome>&) {
                               failure_ = ec;
                               if (!ec) enqueue_some();
                             });
  }

  void stop() {
    queue_.async_stop([](error_code) {});
  }

  const bench_options& options_;
  asio::io_context io_{1};
  clock time_;
  queue::task_queue queue_;
  std::size_t enqueued_ = 0, done_ = 0;
  clock::time_point end_{};
  error_code failure_;
};

exit_code run(const bench_options& o) {
  auto where = parse_store_address(o.common.store);
  if (!where || where->what != store_address::kind::sqlite)
    return fail_queue(name, exit_code::usage, "bench measures SQLite stores: --store sqlite:FILE");
  scratch_file scratch(where->target);
  auto opened =
      open_task_store("sqlite:" + scratch.path(), when_missing::make, durability_of(o.durability));
  if (!opened.store) return fail_queue(name, opened.code, opened.fault);
  auto figures = bench_run(o, std::move(opened.store)).run();
  if (!figures) return fail_store(name, figures.error());
  auto synchronous = o.durability == "power" ? "FULL" : "NORMAL";
  if (o.common.json) {
    json_line out;
    out.add("tasks", std::uint64_t(o.tasks)).add("batch", std::uint64_t(o.batch));
    out.add("concurrency", std::uint64_t(o.concurrency)).add("durability", o.durability);
    out.add("synchronous", synchronous);
    out.add_json("enqueued_per_second", fmt::format("{:.0f}", figures->enqueued_per_second));
    out.add_json("done_per_second", fmt::format("{:.0f}", figures->done_per_second));
    write_stdout(out.text() + "\n");
    return exit_code::ok;
  }
  write_stdout(fmt::format(
      "{} tasks in a scratch store beside {}\n"
      "durability {} (WAL, synchronous={}): {}\n"
      "enqueued      {:>10.0f} tasks/s, {} in a transaction, one after the other\n"
      "run and ended {:>10.0f} no-ops/s at concurrency {}, until the last end was committed\n",
      o.tasks, where->shown(), o.durability, synchronous,
      o.durability == "power" ? "what is committed survives a power cut"
                              : "what is committed survives a kill, not a power cut",
      figures->enqueued_per_second, o.batch, figures->done_per_second, o.concurrency));
  return exit_code::ok;
}

}  // namespace

void add_queue_bench(CLI::App& group, action& chosen) {
  auto o = std::make_shared<bench_options>();
  auto* c = group.add_subcommand(name, "Measure enqueuing and no-op tasks on the store's disk");
  add_queue_options(*c, o->common);
  c->add_option("--tasks", o->tasks, "How many (default: 10000)")
      ->type_name("N")
      ->check(CLI::Range(1u, 1'000'000u));
  c->add_option("--batch", o->batch, "Enqueued in one transaction (default: 100)")
      ->type_name("N")
      ->check(CLI::Range(1u, 10'000u));
  c->add_option("--concurrency", o->concurrency, "Tasks at once (default: 10)")
      ->type_name("N")
      ->check(CLI::Range(1u, 1000u));
  add_choice(*c, "--durability", o->durability, {"power", "process"},
             "What a commit survives (default: power)");
  c->footer(
      "Uses a file of its own beside the store's, and removes it: your tasks are not touched.");
  c->callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

}  // namespace tidewire::cli
