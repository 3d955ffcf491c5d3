#include "queue/task_view.hpp"

#include "escape.hpp"
#include "queue/json_line.hpp"
#include "units.hpp"

#include <fmt/format.h>

namespace tidewire::cli {
namespace {

using queue::task_record;
using queue::task_state;

void add_times(json_line& to, const task_record& t) {
  to.add("created", iso_time(t.created));
  if (t.run_at) to.add("run_at", iso_time(*t.run_at));
  if (t.lease_until) to.add("lease_until", iso_time(*t.lease_until));
  if (t.finished) to.add("finished", iso_time(*t.finished));
}

// A text that stands in a table's last column.
std::string in_short(const std::string& text) {
  constexpr std::size_t columns = 60;
  auto end = text.find('\n');
  return shorten(escape_terminal(text.substr(0, end)), columns);
}

std::uint64_t count(queue::milliseconds time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count()));
}

}  // namespace

std::string iso_time(queue::queue_time when) {
  auto day = std::chrono::floor<std::chrono::days>(when);
  std::chrono::year_month_day date(day);
  auto ms = (when - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     ms / 3'600'000, ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
}

std::string task_json(const task_record& t, bool whole) {
  json_line out;
  out.add("id", t.id).add("kind", t.kind).add("state", to_string(t.state));
  out.add("priority", to_string(t.priority)).add("attempt", std::uint64_t(t.attempt));
  out.add("max_attempts", std::uint64_t(t.max_attempts)).add("fence", t.fence);
  out.add_unless_empty("name", t.name).add_unless_empty("unique_key", t.unique_key);
  out.add_unless_empty("batch", t.batch).add_unless_empty("limit_key", t.limit_key);
  out.add_unless_empty("worker", t.worker).add_unless_empty("error", t.error);
  if (t.cancel_requested) out.add("cancel_requested", true);
  out.add("timeout_ms", count(t.timeout)).add("retry_delay_ms", count(t.retry_delay));
  add_times(out, t);
  if (!t.progress.empty()) out.add_json("progress", t.progress);
  if (!whole) return out.text();
  if (!t.metadata.empty()) out.add_json("metadata", t.metadata);
  if (!t.result.empty()) out.add_json("result", t.result);
  return out.add_json("payload", t.payload).text();
}

std::string task_row_heading() {
  return fmt::format("{:>8}  {:<9}  {:<6}  {:>7}  {:<16}  {}", "ID", "STATE", "LANE", "ATTEMPT",
                     "KIND", "NAME, ERROR");
}

std::string task_row(const task_record& t) {
  auto rest = in_short(t.name);
  if (!t.error.empty()) rest += (rest.empty() ? "" : "  ") + in_short(t.error);
  auto row = fmt::format("{:>8}  {:<9}  {:<6}  {:>7}  {:<16}  {}", t.id, to_string(t.state),
                         to_string(t.priority), fmt::format("{}/{}", t.attempt, t.max_attempts),
                         escape_terminal(t.kind), rest);
  row.erase(row.find_last_not_of(' ') + 1);
  return row;
}

std::string task_paragraph(const task_record& t) {
  std::string out;
  auto add = [&](const char* what, const std::string& text) {
    if (!text.empty()) out += fmt::format("{:<12} {}\n", what, escape_terminal(text));
  };
  auto add_time = [&](const char* what, const std::optional<queue::queue_time>& when) {
    if (when) add(what, iso_time(*when));
  };
  add("task", std::to_string(t.id));
  add("kind", t.kind);
  add("state",
      std::string(to_string(t.state)) + (t.cancel_requested ? ", asked to end (cancelled)" : ""));
  add("lane", std::string(to_string(t.priority)));
  add("attempt", fmt::format("{} of {}", t.attempt, t.max_attempts));
  add("fence", std::to_string(t.fence));
  add("name", t.name);
  add("unique key", t.unique_key);
  add("batch", t.batch);
  add("limit key", t.limit_key);
  add("worker", t.worker);
  add("timeout", format_duration(t.timeout));
  add_time("created", t.created);
  add_time("runs at", t.run_at);
  add_time("leased until", t.lease_until);
  add_time("ended", t.finished);
  add("metadata", t.metadata);
  add("payload", t.payload);
  add("progress", t.progress);
  add("result", t.result);
  add("error", t.error);
  return out;
}

std::string stats_json(const queue::queue_stats& s) {
  json_line states, ready, out;
  for (std::size_t i = 0; i < queue::task_states; ++i)
    states.add(to_string(static_cast<task_state>(i)), s.states[i]);
  for (std::size_t i = 0; i < queue::priorities; ++i)
    ready.add(to_string(static_cast<queue::priority>(i)), s.ready[i]);
  out.add("live", s.live()).add_json("states", states.text()).add_json("ready", ready.text());
  out.add("paused", s.paused);
  if (s.oldest_ready) out.add("oldest_ready_ms", count(*s.oldest_ready));
  return out.text();
}

std::string stats_text(const queue::queue_stats& s) {
  std::string out;
  for (std::size_t i = 0; i < queue::task_states; ++i) {
    auto state = static_cast<task_state>(i);
    if (s.states[i] == 0 && state != task_state::ready && state != task_state::running &&
        state != task_state::done)
      continue;
    out += fmt::format("{:<10} {:>10}", to_string(state), s.states[i]);
    if (state == task_state::ready && s.states[i] > 0)
      out += fmt::format("  high {}, medium {}, low {}", s.ready[0], s.ready[1], s.ready[2]);
    if (state == task_state::ready && s.oldest_ready)
      out += "; the oldest was enqueued " + format_duration(*s.oldest_ready) + " ago";
    out += "\n";
  }
  if (s.paused) out += "PAUSED: no worker starts anything; `tidewire queue resume` goes on.\n";
  return out;
}

}  // namespace tidewire::cli
