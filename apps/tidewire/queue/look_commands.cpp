#include "escape.hpp"
#include "queue/filter_options.hpp"
#include "queue/queue_commands.hpp"
#include "queue/store_session.hpp"
#include "queue/task_reference.hpp"
#include "queue/task_view.hpp"
#include "terminal.hpp"

#include <CLI/CLI.hpp>

#include <memory>

// list, show, stats: what changes nothing.
namespace tidewire::cli {
namespace {

using found_task = std::optional<queue::task_record>;
using found_tasks = std::vector<queue::task_record>;

struct look_options {
  queue_options common;
  filter_options which;
  std::string task;
};

exit_code list(const look_options& o) {
  auto code = exit_code::ok;
  auto store = open_session("list", o.common, when_missing::refuse, code);
  if (!store) return code;
  auto all =
      store->read<found_tasks>([which = o.which.filter()](auto& s) { return s.list(which); });
  if (!all) return fail_store("list", all.error());
  if (!o.common.json && !all->empty()) write_stdout(task_row_heading() + "\n");
  for (auto& t : *all) write_stdout((o.common.json ? task_json(t, false) : task_row(t)) + "\n");
  bool more = all->size() == o.which.which.limit;
  if (!o.common.json && all->empty()) write_stderr("No such tasks.\n");
  if (!o.common.json && more)
    write_stderr("There may be more: --after " + std::to_string(all->back().id) + ", or --limit\n");
  return exit_code::ok;
}

exit_code show(const look_options& o) {
  auto code = exit_code::ok;
  auto store = open_session("show", o.common, when_missing::refuse, code);
  if (!store) return code;
  auto found = store->read<found_task>([&typed = o.task](auto& s) { return find_task(s, typed); });
  if (!found) return fail_store("show", found.error());
  if (!*found)
    return fail_queue("show", exit_code::refused,
                      escape_terminal(o.task) + ": no such task; it may have been pruned.");
  write_stdout(o.common.json ? task_json(**found, true) + "\n" : task_paragraph(**found));
  return exit_code::ok;
}

exit_code stats(const look_options& o) {
  auto code = exit_code::ok;
  auto store = open_session("stats", o.common, when_missing::refuse, code);
  if (!store) return code;
  auto counted = store->call<queue::queue_stats>(
      [which = o.which.filter()](auto& s, auto now) { return s.stats(which, now); });
  if (!counted) return fail_store("stats", counted.error());
  write_stdout(o.common.json ? stats_json(*counted) + "\n" : stats_text(*counted));
  return exit_code::ok;
}

CLI::App* add(CLI::App& group, action& chosen, const std::shared_ptr<look_options>& o,
              const char* name, const char* help, exit_code (*run)(const look_options&)) {
  auto* c = group.add_subcommand(name, help);
  add_queue_options(*c, o->common);
  c->callback([o, run, &chosen] { chosen = [o, run] { return run(*o); }; });
  return c;
}

}  // namespace

void add_queue_list(CLI::App& group, action& chosen) {
  auto o = std::make_shared<look_options>();
  auto* c = add(group, chosen, o, "list", "Tasks by id, a page at a time", list);
  add_filter(*c, o->which);
  c->add_option("--after", o->which.which.after, "Only tasks with a larger id: the next page")
      ->type_name("ID");
  c->add_option("--limit", o->which.which.limit, "How many (default: 100)")
      ->type_name("N")
      ->check(CLI::Range(1u, 10'000u));
  c->footer(
      "Examples:\n"
      "  tidewire queue list --store sqlite:tasks.db --state failed\n"
      "\n"
      "--json has no payloads and results; `tidewire queue show` has.");
}

void add_queue_show(CLI::App& group, action& chosen) {
  auto o = std::make_shared<look_options>();
  auto* c = add(group, chosen, o, "show", "Everything that is known of a task", show);
  c->add_option("task", o->task, "Its id or name; name:NAME where a name is a number")
      ->type_name("TASK")
      ->required();
  c->footer("Exit codes: 0 it is there; 4 no such task; others as of `tidewire queue`.");
}

void add_queue_stats(CLI::App& group, action& chosen) {
  auto o = std::make_shared<look_options>();
  auto* c = add(group, chosen, o, "stats", "How many tasks are in which state and lane", stats);
  add_filter(*c, o->which);
}

}  // namespace tidewire::cli
