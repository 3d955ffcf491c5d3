#include "escape.hpp"
#include "options.hpp"
#include "queue/json_line.hpp"
#include "queue/queue_commands.hpp"
#include "queue/store_address.hpp"
#include "queue/store_session.hpp"
#include "queue/task_view.hpp"
#include "terminal.hpp"

#include <tidewire/core/timer.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace tidewire::cli {
namespace {

constexpr std::size_t shown_tasks = 10;

struct top_options {
  queue_options common;
  std::chrono::nanoseconds interval = std::chrono::seconds(1);
  std::uint64_t count = 0;
};

struct snapshot {
  queue::queue_stats stats;
  std::vector<queue::task_record> running;
  queue::queue_time when;
};

result<snapshot> look(queue::task_store& store, queue::queue_time now) {
  snapshot out;
  out.when = now;
  auto stats = store.stats({}, now);
  if (!stats) return stats.error();
  out.stats = *stats;
  queue::task_filter running;
  running.state = queue::task_state::running;
  running.limit = shown_tasks;
  auto tasks = store.list(running);
  if (!tasks) return tasks.error();
  out.running = std::move(*tasks);
  return out;
}

// Done tasks a second; those that were pruned meanwhile are missing.
double rate(const snapshot& from, const snapshot& to) {
  auto done = [](const snapshot& s) { return s.stats.of(queue::task_state::done); };
  auto ms = (to.when - from.when).count();
  if (ms <= 0 || done(to) <= done(from)) return 0;
  return static_cast<double>(done(to) - done(from)) * 1000.0 / static_cast<double>(ms);
}

std::string frame(const top_options& o, const snapshot& s, double done_per_second) {
  auto where = parse_store_address(o.common.store);
  auto out = fmt::format("{}  {}  {:.1f} done/s\n\n", where ? where->shown() : "", iso_time(s.when),
                         done_per_second);
  out += stats_text(s.stats);
  if (!s.running.empty()) out += "\n" + task_row_heading() + "\n";
  for (auto& t : s.running) {
    out += task_row(t) + "  " + escape_terminal(t.worker);
    if (!t.progress.empty()) out += "  " + shorten(escape_terminal(t.progress), 40);
    out += "\n";
  }
  return out;
}

std::string frame_json(const snapshot& s, double done_per_second) {
  std::string running = "[";
  for (auto& t : s.running) running += (running.size() > 1 ? "," : "") + task_json(t, false);
  json_line out;
  out.add("time", iso_time(s.when)).add_json("stats", stats_json(s.stats));
  out.add_json("done_per_second", fmt::format("{:.1f}", done_per_second));
  return out.add_json("running", running + "]").text();
}

void wait(std::chrono::nanoseconds time) {
  asio::io_context io;
  timer t(io.get_executor());
  t.expires_after(time);
  t.async_wait([](error_code) {});
  io.run();
}

exit_code run(const top_options& o) {
  if (o.interval < std::chrono::milliseconds(100))
    return fail_queue("top", exit_code::usage, "--interval is 100ms at least");
  auto code = exit_code::ok;
  auto store = open_session("top", o.common, when_missing::refuse, code);
  if (!store) return code;
  bool screen = !o.common.json && ::isatty(STDOUT_FILENO) == 1;
  std::optional<snapshot> before;
  for (std::uint64_t n = 1;; ++n) {
    auto now = store->call<snapshot>([](auto& s, auto when) { return look(s, when); });
    if (!now) return fail_store("top", now.error());
    auto speed = before ? rate(*before, *now) : 0.0;
    if (o.common.json)
      write_stdout(frame_json(*now, speed) + "\n");
    else  // home, and clear what was there
      write_stdout((screen ? "\x1b[H\x1b[2J" : "") + frame(o, *now, speed) + (screen ? "" : "\n"));
    if (n == o.count) return exit_code::ok;
    before = std::move(*now);
    wait(o.interval);
  }
}

}  // namespace

void add_queue_top(CLI::App& group, action& chosen) {
  auto o = std::make_shared<top_options>();
  auto* c = group.add_subcommand("top", "Watch states, throughput and running tasks");
  add_queue_options(*c, o->common);
  add_duration(*c, "--interval", o->interval, "Between two looks (default: 1s)");
  c->add_option("--count", o->count, "End after so many looks (default: never)")->type_name("N");
  c->callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

}  // namespace tidewire::cli
