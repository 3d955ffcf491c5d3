#include "queue/task_line.hpp"

#include "escape.hpp"
#include "units.hpp"

#include <tidewire/core/json_text.hpp>

#include <algorithm>

namespace tidewire::cli {
namespace {

using queue::new_task;

// Each reads one member's value, and says what it should have been when it is something else.
using fault = std::string;

fault read_text(std::string_view value, std::string& to) {
  auto text = json_string(value);
  if (!text) return "must be a text";
  to = std::move(*text);
  return {};
}

fault read_time(std::string_view value, queue::milliseconds& to) {
  auto text = json_string(value);
  auto time = parse_task_time(text ? std::string_view(*text) : value);
  if (!time) return "must be a time like \"250ms\", \"30s\" or a number of seconds, not negative";
  to = *time;
  return {};
}

template <class T>
fault read_optional_time(std::string_view value, std::optional<T>& to) {
  queue::milliseconds time{};
  auto wrong = read_time(value, time);
  if (wrong.empty()) to = time;
  return wrong;
}

fault read_count(std::string_view value, std::uint32_t& to) {
  auto number = json_uint(value);
  if (!number || *number > UINT32_MAX) return "must be a whole number";
  to = static_cast<std::uint32_t>(*number);
  return {};
}

fault read_priority(std::string_view value, queue::priority& to) {
  auto text = json_string(value);
  auto lane = text ? queue::priority_from(*text) : std::nullopt;
  if (!lane) return "must be \"high\", \"medium\" or \"low\"";
  to = *lane;
  return {};
}

fault read_limit(std::string_view value, std::optional<queue::task_limit>& to) {
  auto object = json_object_view::parse(value);
  if (!object) return "must be an object with key and max_running, or max_starts and period";
  queue::task_limit limit;
  for (auto& m : object->members()) {
    fault wrong = "is not known";
    if (m.name == "key") wrong = read_text(m.value, limit.key);
    if (m.name == "max_running") wrong = read_count(m.value, limit.max_running);
    if (m.name == "max_starts") wrong = read_count(m.value, limit.max_starts);
    if (m.name == "period") wrong = read_time(m.value, limit.period);
    if (!wrong.empty()) return "member \"" + escape_terminal(m.name) + "\" " + wrong;
  }
  to = std::move(limit);
  return {};
}

fault read_dependencies(std::string_view value, new_task& to) {
  auto all = json_elements(value);
  if (!all) return "must be a list of ids and names";
  for (auto& one : *all) {
    if (auto name = json_string(one))
      to.depends_on_names.push_back(std::move(*name));
    else if (auto id = json_uint(one))
      to.depends_on.push_back(*id);
    else
      return "must be a list of ids and names";
  }
  return {};
}

fault read_member(const json_member& m, new_task& to) {
  if (m.name == "kind") return read_text(m.value, to.kind);
  if (m.name == "payload") return to.payload = std::string(m.value), "";
  if (m.name == "metadata") return to.metadata = std::string(m.value), "";
  if (m.name == "priority") return read_priority(m.value, to.priority);
  if (m.name == "name") return read_text(m.value, to.name);
  if (m.name == "unique_key") return read_text(m.value, to.unique_key);
  if (m.name == "batch") return read_text(m.value, to.batch);
  if (m.name == "delay") return read_time(m.value, to.delay);
  if (m.name == "timeout") return read_optional_time(m.value, to.timeout);
  if (m.name == "retry_delay") return read_optional_time(m.value, to.retry_delay);
  if (m.name == "max_attempts") return read_count(m.value, to.max_attempts.emplace());
  if (m.name == "limit") return read_limit(m.value, to.limit);
  if (m.name == "depends_on") return read_dependencies(m.value, to);
  return "is not known";
}

}  // namespace

std::optional<queue::milliseconds> parse_task_time(std::string_view text) {
  auto time = parse_duration(text);
  if (!time) return {};
  return std::chrono::ceil<queue::milliseconds>(*time);
}

read_task parse_task_line(std::string_view line, const new_task& defaults) {
  // The payload may be as deep as check_json() lets it be, in the object around it.
  auto object = json_object_view::parse(line, {max_task_line_bytes, 66});
  if (!object) {
    auto why = object.error() == json_errc::not_an_object
                   ? "not a JSON object with \"kind\" and \"payload\""
                   : "not JSON: " + object.error().message();
    return {{}, why};
  }
  new_task task = defaults;
  for (auto& m : object->members())
    if (auto wrong = read_member(m, task); !wrong.empty())
      return {{}, "member \"" + escape_terminal(m.name) + "\" " + wrong};
  if (task.kind.empty()) return {{}, "no \"kind\", and no --kind for all lines"};
  return {std::move(task), {}};
}

}  // namespace tidewire::cli
