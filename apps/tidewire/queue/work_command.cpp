#include "escape.hpp"
#include "options.hpp"
#include "queue/open_store.hpp"
#include "queue/queue_commands.hpp"
#include "queue/queue_options.hpp"
#include "queue/worker.hpp"
#include "terminal.hpp"

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <set>

namespace tidewire::cli {
namespace {

constexpr auto name = "work";
constexpr queue::milliseconds shortest_lease(1000), longest_lease(24 * 3600 * 1000);

struct work_options {
  queue_options common;
  std::vector<std::string> kinds;
  std::chrono::nanoseconds lease = std::chrono::seconds(30), poll = std::chrono::milliseconds(500);
  std::chrono::nanoseconds stop_grace = std::chrono::seconds(30);
  bool strict = false;
  worker_options worker;
};

queue::milliseconds in_ms(std::chrono::nanoseconds time) {
  return std::chrono::ceil<queue::milliseconds>(time);
}

std::string default_name() {
  std::array<char, 65> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {'?'};
  return fmt::format("{}:{}", host.data(), ::getpid());
}

// Says what is wrong with the options, or completes them.
std::string complete(work_options& o) {
  std::set<std::string> seen;
  for (auto& text : o.kinds) {
    auto kind = parse_kind(text);
    if (!kind)
      return fmt::format("--kind: \"{}\" is not NAME=COMMAND, nor the built-in http",
                         escape_terminal(text));
    if (!seen.insert(kind->name).second)
      return fmt::format("--kind: {} is there twice", escape_terminal(kind->name));
    o.worker.kinds.push_back(std::move(*kind));
  }
  if (in_ms(o.lease) < shortest_lease || in_ms(o.lease) > longest_lease)
    return "--lease is from 1s to 1d";
  if (o.poll < std::chrono::milliseconds(10)) return "--poll is 10ms at least";
  auto& q = o.worker.queue;
  if (q.worker.empty()) q.worker = default_name();
  q.lease = in_ms(o.lease);
  q.poll_interval = in_ms(o.poll);
  q.stop_grace = in_ms(o.stop_grace);
  // Time to kill what ignores SIGTERM, and to write that down.
  q.cancel_grace = in_ms(o.worker.grace) + std::chrono::seconds(10);
  q.lanes = o.strict ? queue::lane_policy::strict : queue::lane_policy::weighted;
  // A command takes its time: what waits for it here another worker could run now.
  q.max_claimed_ahead = 0;
  o.worker.json = o.common.json;
  return {};
}

exit_code run(work_options& o) {
  if (auto wrong = complete(o); !wrong.empty())
    return fail_queue(name, exit_code::usage, wrong + "\nTry `tidewire queue work --help`.");
  // Who started us may ignore it; then no command could be waited for.
  std::signal(SIGCHLD, SIG_DFL);
  // Pipes to commands must not be taken for standard input or output.
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  auto opened = open_task_store(o.common.store, when_missing::make);
  if (!opened.store) return fail_queue(name, opened.code, opened.fault);
  return worker(o.worker, std::move(opened.store)).run();
}

constexpr auto footer =
    "Examples:\n"
    "  tidewire queue work --store sqlite:tasks.db --kind mail='./send-mail' --concurrency 8\n"
    "  tidewire queue work --store sqlite:tasks.db --kind http --until-idle\n"
    "\n"
    "A command is run by /bin/sh -c with the payload on its standard input (null when there is\n"
    "none) and TIDEWIRE_TASK_ID, _KIND, _NAME, _METADATA, _ATTEMPT, _MAX_ATTEMPTS and _FENCE. "
    "Exit\n"
    "code 0: done, and what it printed is the result; 65: discarded; others, 75 among them, and\n"
    "signals: tried again. What it wrote to stderr last is the error. At the task's time-out, and\n"
    "when the task is cancelled, its process group gets SIGTERM, and SIGKILL after --grace; what "
    "is\n"
    "left of the group when the command has ended is killed, too.\n"
    "\n"
    "The built-in http takes {\"url\", \"method\", \"headers\", \"body\"}: 2xx is done; 408, 425, "
    "429,\n"
    "5xx and no answer are tried again, after Retry-After if that is there; others are discarded.\n"
    "\n"
    "SIGINT or SIGTERM: nothing more is started, and running tasks may end; a second one kills\n"
    "them at once, and other workers take them over.\n"
    "\n"
    "Exit codes: 0 stopped, or nothing is left with --until-idle, whatever became of the tasks; 2\n"
    "wrong command line; 3 the store is locked or out of reach; 8 the disk failed; 10 not a "
    "store;\n"
    "130, 143 after the second signal.";

}  // namespace

void add_queue_work(CLI::App& group, action& chosen) {
  auto o = std::make_shared<work_options>();
  auto* c = group.add_subcommand(name, "Run tasks: a command for each, or the built-in http");
  add_queue_options(*c, o->common);
  c->add_option("--kind", o->kinds, "Run tasks of this kind by this command; may be repeated")
      ->type_name("NAME=COMMAND")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c->add_option("--concurrency", o->worker.queue.max_concurrency, "Tasks at once (default: 3)")
      ->type_name("N")
      ->check(CLI::Range(1u, 1000u));
  add_duration(*c, "--lease", o->lease,
               "How long this worker may be silent before others take its tasks (default: 30s)");
  add_duration(*c, "--grace", o->worker.grace, "Between SIGTERM and SIGKILL (default: 5s)");
  add_duration(*c, "--stop-grace", o->stop_grace,
               "How long running tasks may go on after a signal to the worker (default: 30s)");
  add_duration(*c, "--poll", o->poll,
               "How often an idle worker looks for tasks of other processes (default: 500ms)");
  c->add_option("--name", o->worker.queue.worker, "Who it is, for people (default: HOST:PID)")
      ->type_name("NAME");
  c->add_flag("--strict", o->strict,
              "Start low tasks only when no others are ready (default: one of ten)");
  c->add_flag("--until-idle", o->worker.until_idle,
              "End when no task of these kinds is ready, running, scheduled or to be tried again");
  c->add_flag("-q,--quiet", o->worker.quiet, "No lines about tasks");
  c->footer(footer);
  c->callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

}  // namespace tidewire::cli
