#include "queue/worker_line.hpp"

#include "escape.hpp"
#include "queue/json_line.hpp"
#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tidewire::cli {
namespace {

json_line begin(const char* type, const queue::task_info& t) {
  json_line out;
  out.add("type", type).add("task", t.id);
  out.add_unless_empty("kind", t.kind).add_unless_empty("name", t.name);
  // Of one that another worker had nothing more is known.
  if (t.attempt > 0)
    out.add("attempt", std::uint64_t(t.attempt)).add("max_attempts", std::uint64_t(t.max_attempts));
  return out;
}

std::string who(const queue::task_info& t) {
  auto out = std::to_string(t.id);
  if (!t.kind.empty()) out += " " + escape_terminal(t.kind);
  if (!t.name.empty()) out += " " + escape_terminal(t.name);
  return out;
}

std::string attempt_of(const queue::task_info& t) {
  return fmt::format("attempt {} of {}", t.attempt, t.max_attempts);
}

}  // namespace

std::string worker_line(const queue::task_started& e, line_form form) {
  if (form == line_form::json) return begin("started", e.task).text();
  return fmt::format("{} started, {}", who(e.task), attempt_of(e.task));
}

std::string worker_line(const queue::task_completed& e, line_form form) {
  if (form == line_form::text) return who(e.task) + " done";
  auto out = begin("done", e.task);
  if (!e.result.empty()) out.add_json("result", e.result);
  return out.text();
}

std::string worker_line(const queue::task_failed& e, line_form form) {
  if (!e.will_retry) return {};  // the next event says so
  auto wait = std::max(e.next_attempt, queue::milliseconds(0));
  if (form == line_form::text)
    return fmt::format("{} failed, {}, again in {}: {}", who(e.task), attempt_of(e.task),
                       format_duration(wait), escape_terminal(e.error));
  auto out = begin("failed", e.task);
  out.add("error", e.error).add("next_attempt_ms", static_cast<std::uint64_t>(wait.count()));
  return out.text();
}

std::string worker_line(const queue::task_exhausted& e, line_form form) {
  if (form == line_form::text)
    return fmt::format("{} {} for good{}: {}", who(e.task), to_string(e.state),
                       e.task.attempt > 0 ? ", " + attempt_of(e.task) : "",
                       escape_terminal(e.error));
  auto out = begin("exhausted", e.task);
  return out.add("state", to_string(e.state)).add("error", e.error).text();
}

std::string worker_line(const queue::task_cancelled& e, line_form form) {
  if (form == line_form::text)
    return fmt::format("{} {}", e.id, e.running ? "asked to end" : "cancelled");
  json_line out;
  return out.add("type", "cancelled").add("task", e.id).add("running", e.running).text();
}

std::string worker_line(const worker_totals& t, line_form form) {
  if (form == line_form::text)
    return fmt::format("{} done, {} attempts failed, {} dead letters, {} cancelled", t.done,
                       t.failed, t.dead, t.cancelled);
  json_line out;
  out.add("type", "end").add("done", t.done).add("failed_attempts", t.failed);
  return out.add("dead_letters", t.dead).add("cancelled", t.cancelled).text();
}

}  // namespace tidewire::cli
