#include "escape.hpp"
#include "queue/filter_options.hpp"
#include "queue/json_line.hpp"
#include "queue/queue_commands.hpp"
#include "queue/store_fault.hpp"
#include "queue/store_session.hpp"
#include "queue/task_reference.hpp"
#include "terminal.hpp"

#include <tidewire/queue/error.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

// cancel, retry, replay, pause, resume.
namespace tidewire::cli {
namespace {

struct change_options {
  queue_options common;
  filter_options which;
  std::vector<std::string> tasks;
  bool all = false;
};

// What became of one of the tasks that were named.
struct change {
  std::string word;   // for programs: "cancelled", "not_found" …
  std::string words;  // for people
  bool good = true;
};

result<change> cancel_one(queue::task_store& store, queue::queue_time now, queue::task_id id) {
  auto answer = store.cancel(id, now);
  if (!answer) return answer.error();
  switch (*answer) {
    case queue::cancel_answer::cancelled:
      return change{"cancelled", "cancelled, it had not started"};
    case queue::cancel_answer::requested:
      return change{"requested", "is running; its worker is told"};
    case queue::cancel_answer::already_final:
      return change{"already_final", "had ended before", false};
    default:
      return change{"not_found", "no such task", false};
  }
}

result<change> retry_one(queue::task_store& store, queue::queue_time now, queue::task_id id) {
  auto hastened = store.hasten(id, now);
  if (!hastened) return hastened.error();
  if (*hastened) return change{"ready", "ready now"};
  return change{"not_waiting", "was not waiting for its time; `replay` is for what has ended",
                false};
}

result<change> replay_one(queue::task_store& store, queue::queue_time now, queue::task_id id) {
  auto done = store.replay(id, now);
  if (done) return change{"ready", "begins anew"};
  if (done.error() == queue::errc::not_final) return change{"not_final", "has not ended", false};
  return done.error();
}

using change_one = result<change> (*)(queue::task_store&, queue::queue_time, queue::task_id);

result<change> find_and_change(queue::task_store& store, queue::queue_time now,
                               const std::string& typed, change_one what) {
  auto found = find_task(store, typed);
  if (!found) return found.error();
  if (!*found) return change{"not_found", "no such task; it may have been pruned", false};
  return what(store, now, (*found)->id);
}

void show(const change_options& o, const std::string& typed, const change& c) {
  if (o.common.json)
    write_stdout(json_line().add("task", typed).add("answer", c.word).text() + "\n");
  else if (c.good)
    write_stdout(fmt::format("{} {}\n", escape_terminal(typed), c.words));
  else
    write_stderr(fmt::format("{}: {}\n", escape_terminal(typed), c.words));
}

exit_code change_all(const char* name, const change_options& o, change_one what) {
  auto code = exit_code::ok;
  auto store = open_session(name, o.common, when_missing::refuse, code);
  if (!store) return code;
  for (auto& typed : o.tasks) {
    auto done = store->call<change>(
        [&](auto& s, auto now) { return find_and_change(s, now, typed, what); });
    if (!done) return fail_store(name, done.error());
    show(o, typed, *done);
    if (!done->good) code = exit_code::refused;
  }
  return code;
}

exit_code cancel(const change_options& o) {
  return change_all("cancel", o, cancel_one);
}
exit_code retry(const change_options& o) {
  return change_all("retry", o, retry_one);
}

// Pages, so that no transaction is long; as many as there are now, since some may fail again
// meanwhile.
exit_code replay_dead_letters(const change_options& o) {
  auto code = exit_code::ok;
  auto store = open_session("replay", o.common, when_missing::refuse, code);
  if (!store) return code;
  auto which = o.which.filter();
  which.limit = 1000;
  auto counts =
      store->call<queue::queue_stats>([&](auto& s, auto now) { return s.stats(which, now); });
  if (!counts) return fail_store("replay", counts.error());
  std::uint64_t left = 0, count = 0;
  for (auto state :
       {queue::task_state::failed, queue::task_state::discarded, queue::task_state::unknown})
    left += counts->of(state);
  while (left > 0) {
    which.limit = static_cast<std::size_t>(std::min<std::uint64_t>(left, 1000));
    auto some =
        store->call<std::size_t>([&](auto& s, auto now) { return s.replay_all(which, now); });
    if (!some) return fail_store("replay", some.error());
    if (*some == 0) break;
    count += *some;
    left -= std::min<std::uint64_t>(left, *some);
  }
  write_stdout(o.common.json ? json_line().add("replayed", count).text() + "\n"
                             : fmt::format("{} begin anew\n", count));
  return exit_code::ok;
}

exit_code replay(const change_options& o) {
  if (o.all == !o.tasks.empty())
    return fail_queue("replay", exit_code::usage,
                      "give tasks, or --all for all dead letters. Nothing was changed.");
  return o.all ? replay_dead_letters(o) : change_all("replay", o, replay_one);
}

exit_code set_paused(const char* name, const change_options& o, bool paused) {
  auto code = exit_code::ok;
  auto store = open_session(name, o.common, when_missing::refuse, code);
  if (!store) return code;
  auto done = store->call<bool>([paused](auto& s, auto) -> result<bool> {
    auto set = s.set_paused(paused);
    if (!set) return {boost::system::in_place_error, set.error()};
    return true;
  });
  if (!done) return fail_store(name, done.error());
  if (o.common.json)
    write_stdout(json_line().add("paused", paused).text() + "\n");
  else
    write_stdout(paused ? "paused: nothing is started any more; what runs goes on\n" : "resumed\n");
  return exit_code::ok;
}
exit_code pause(const change_options& o) {
  return set_paused("pause", o, true);
}
exit_code resume(const change_options& o) {
  return set_paused("resume", o, false);
}

}  // namespace

void add_queue_changes(CLI::App& group, action& chosen) {
  auto add = [&](const char* name, const char* help, exit_code (*run)(const change_options&)) {
    auto o = std::make_shared<change_options>();
    auto* c = group.add_subcommand(name, help);
    add_queue_options(*c, o->common);
    c->callback([o, run, &chosen] { chosen = [o, run] { return run(*o); }; });
    return std::pair(c, o);
  };
  auto tasks = [](CLI::App* c, change_options& o) {
    return c->add_option("task", o.tasks, "Ids or names; name:NAME where a name is a number")
        ->type_name("TASK");
  };
  constexpr auto codes =
      "Exit codes: 0 it is so for all; 4 not for one of them at least; others as of `tidewire "
      "queue`.";
  auto [c, co] = add("cancel", "Take tasks back, or tell those that run to end", cancel);
  tasks(c, *co)->required();
  c->footer(codes);
  auto [r, ro] = add("retry", "Run tasks now that wait for their time or next attempt", retry);
  tasks(r, *ro)->required();
  r->footer(codes);
  auto [p, po] = add("replay", "Let tasks that have ended begin anew, with all attempts", replay);
  tasks(p, *po);
  p->add_flag("--all", po->all, "All dead letters: failed, discarded and unknown ones");
  add_filter(*p, po->which);
  p->footer(std::string("The filters are for --all.\n\n") + codes);
  add("pause", "Let no worker of the store start anything", pause);
  add("resume", "Let workers go on after a pause", resume);
}

}  // namespace tidewire::cli
