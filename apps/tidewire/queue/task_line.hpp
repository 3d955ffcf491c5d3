#pragma once

#include <tidewire/queue/task.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tidewire::cli {

// The longest line of `queue enqueue --from`: a payload and the rest of its task.
constexpr std::size_t max_task_line_bytes = 2 * 1024 * 1024;

struct read_task {
  std::optional<queue::new_task> task;
  std::string fault;  // why not, for people
};

// A line of NDJSON: an object with any of kind, payload, priority, name, unique_key, metadata,
// batch, delay, timeout, retry_delay, max_attempts, limit and depends_on. Times are as on the
// command line ("30s", or a number of seconds). What it doesn't say is as in `defaults`; a member
// that is not known is a fault, since it would be lost.
read_task parse_task_line(std::string_view line, const queue::new_task& defaults);

// "30s" and the like, as long as tasks may be delayed.
std::optional<queue::milliseconds> parse_task_time(std::string_view text);

}  // namespace tidewire::cli
