#include "escape.hpp"
#include "options.hpp"
#include "queue/json_line.hpp"
#include "queue/queue_commands.hpp"
#include "queue/store_address.hpp"
#include "queue/store_health.hpp"
#include "queue/store_session.hpp"
#include "queue/task_view.hpp"
#include "terminal.hpp"

#include <tidewire/queue/sqlite_task_store.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

// prune, migrate, doctor.
namespace tidewire::cli {
namespace {

struct upkeep_options {
  queue_options common;
  std::chrono::nanoseconds finished_age = std::chrono::hours(24 * 7);
  std::chrono::nanoseconds dead_age = std::chrono::hours(24 * 90);
  queue::retention keep;
  bool print = false;
};

exit_code prune(const upkeep_options& o) {
  auto code = exit_code::ok;
  auto store = open_session("prune", o.common, when_missing::refuse, code);
  if (!store) return code;
  auto keep = o.keep;
  keep.finished_age = std::chrono::ceil<queue::milliseconds>(o.finished_age);
  keep.dead_letter_age = std::chrono::ceil<queue::milliseconds>(o.dead_age);
  std::uint64_t count = 0;
  while (true) {
    auto some = store->call<std::size_t>([&](auto& s, auto now) { return s.prune(keep, now); });
    if (!some) return fail_store("prune", some.error());
    if (*some == 0) break;
    count += *some;
  }
  write_stdout(o.common.json ? json_line().add("pruned", count).text() + "\n"
                             : fmt::format("{} tasks that had ended were dropped\n", count));
  return exit_code::ok;
}

exit_code print_migrations() {
  std::size_t version = 0;
  for (auto sql : queue::sqlite_task_schema())
    write_stdout(fmt::format("-- version {}{}", ++version, sql));
  return exit_code::ok;
}

exit_code migrate(const upkeep_options& o) {
  auto where = parse_store_address(o.common.store);
  if (o.print && where && where->what == store_address::kind::sqlite) return print_migrations();
  auto opened = open_task_store(o.common.store, when_missing::make);
  if (!opened.store) return fail_queue("migrate", opened.code, opened.fault);
  auto version = static_cast<std::uint64_t>(queue::sqlite_task_schema().size());
  write_stdout(o.common.json ? json_line().add("schema_version", version).text() + "\n"
                             : fmt::format("the schema is at version {}\n", version));
  return exit_code::ok;
}

exit_code doctor(const upkeep_options& o) {
  auto code = exit_code::ok;
  auto store = open_session("doctor", o.common, when_missing::refuse, code);
  if (!store) return code;
  auto found = store->call<store_health>([](auto& s, auto now) { return examine(s, now); });
  if (!found) return fail_store("doctor", found.error());
  found->schema_version = queue::sqlite_task_schema().size();
  auto advice = advice_for(*found);
  if (o.common.json)
    write_stdout(health_json(*found, advice) + "\n");
  else
    write_stdout(health_text(*found, advice));
  return advice.empty() ? exit_code::ok : exit_code::refused;
}

}  // namespace

void add_queue_upkeep(CLI::App& group, action& chosen) {
  auto add = [&](const char* name, const char* help, exit_code (*run)(const upkeep_options&)) {
    auto o = std::make_shared<upkeep_options>();
    auto* c = group.add_subcommand(name, help);
    add_queue_options(*c, o->common);
    c->callback([o, run, &chosen] { chosen = [o, run] { return run(*o); }; });
    return std::pair(c, o);
  };
  auto [p, po] = add("prune", "Drop tasks that ended long ago", prune);
  add_duration(*p, "--finished-age", po->finished_age,
               "Keep done and cancelled ones so long (default: 7d)");
  add_duration(*p, "--dead-letter-age", po->dead_age,
               "Keep failed, discarded and unknown ones so long (default: 90d)");
  p->add_option("--keep", po->keep.max_finished,
                "Keep at most so many that have ended (default: 10000)")
      ->type_name("N");
  p->footer("Workers do this by themselves, with the defaults.");
  auto [m, mo] = add("migrate", "Make the store's tables, or bring them up to date", migrate);
  m->add_flag("--print", mo->print, "Print the SQL that makes them, and change nothing");
  m->footer("Every command does this when it opens a store; a later version is left as it is.");
  auto [d, dr] = add("doctor", "Open the store, look whether all is well, and give advice", doctor);
  d->footer("Exit codes: 0 all is well; 4 there is advice; others as of `tidewire queue`.");
}

}  // namespace tidewire::cli
