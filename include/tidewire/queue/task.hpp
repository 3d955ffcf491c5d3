#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/queue/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidewire::queue {

class task_handler;

// A task's number in its store. Never given twice.
using task_id = std::uint64_t;

// Time by the queue's own clock, which is the same for all workers of a store, never goes back and
// does not jump with the wall clock (task_store::join_clock). Near civil time, for people.
using queue_time = std::chrono::sys_time<std::chrono::milliseconds>;
using milliseconds = std::chrono::milliseconds;

enum class priority : std::uint8_t { high, medium, low };
constexpr std::size_t priorities = 3;

// docs/formats/task-store.md draws them. Live: up to running. Final: the rest.
enum class task_state : std::uint8_t {
  waiting,    // for tasks that it depends on
  held,       // its limit is reached (task_limit)
  scheduled,  // its time has not come
  retrying,   // an attempt failed; the next one's time has not come
  ready,
  running,
  done,
  failed,     // the last attempt failed
  discarded,  // an attempt said that another is of no use
  cancelled,
  unknown,  // whether the effect happened is not known
};
constexpr std::size_t task_states = 11;

constexpr bool is_final(task_state s) {
  return s >= task_state::done;
}
// Dead letters are kept until somebody replays them, or they are pruned.
constexpr bool is_dead_letter(task_state s) {
  return s == task_state::failed || s == task_state::discarded || s == task_state::unknown;
}

std::string_view to_string(priority) noexcept;
std::string_view to_string(task_state) noexcept;
std::optional<priority> priority_from(std::string_view) noexcept;
std::optional<task_state> task_state_from(std::string_view) noexcept;

// The largest of everything. What is beyond is refused with a clear error.
struct task_bounds {
  static constexpr std::size_t payload_bytes = 1024 * 1024;
  static constexpr std::size_t metadata_bytes = 16 * 1024;
  static constexpr std::size_t result_bytes = 256 * 1024;
  static constexpr std::size_t error_bytes = 4 * 1024;  // a longer text is cut
  static constexpr std::size_t name_bytes = 200;        // of kinds, names and keys
  static constexpr std::size_t dependencies = 1000;
  static constexpr std::uint32_t attempts = 1000;
  static constexpr std::uint32_t starts = 10'000;  // snoozed ones too; then a task has failed
  static constexpr milliseconds delay = std::chrono::hours(24 * 3653);
};

// At most so many at once, and so many starts in a period, of all tasks with the key and on all
// workers. 0: no such limit. What the newest task of a key says holds for the key.
struct task_limit {
  std::string key{};
  std::uint32_t max_running = 0;
  std::uint32_t max_starts = 0;
  milliseconds period = std::chrono::seconds(1);
};

// The tick of a recurring task: a store takes the same tick, or an earlier one, once.
struct schedule_tick {
  std::string schedule{};
  std::int64_t tick = 0;  // seconds since 1970, of the wall clock
};

// A task as it is enqueued. Options that are not given are the queue's (task_queue_options).
struct new_task {
  new_task() = default;
  explicit new_task(std::string of_kind, std::string with_payload = {})
      : kind(std::move(of_kind)), payload(std::move(with_payload)) {}

  std::string kind{};     // which handler; empty: a function of this process
  std::string payload{};  // JSON text; empty: none
  queue::priority priority = queue::priority::medium;
  std::string name{};        // your own id: taken once among all tasks that are kept
  std::string unique_key{};  // taken once among the live tasks
  std::string metadata{};    // a JSON object; empty: none
  std::string batch{};       // what it belongs to, to list and count by
  milliseconds delay{0};     // not before
  std::optional<std::uint32_t> max_attempts{};
  std::optional<milliseconds> timeout{};      // of an attempt
  std::optional<milliseconds> retry_delay{};  // after the first failure; it doubles
  std::optional<task_limit> limit{};
  // It waits until all of these are done. When one ends in another way, it is discarded, and so is
  // what depends on it. Names must be of tasks that are there, or stand before it in the same call.
  std::vector<task_id> depends_on{};
  std::vector<std::string> depends_on_names{};
  std::optional<schedule_tick> tick{};
  // What a task of kind "" runs; for stores in this process alone.
  std::shared_ptr<const task_handler> function{};
};

// What a store knows of a task.
struct task_record {
  task_id id = 0;
  std::string kind, payload, name, unique_key, metadata, batch;
  queue::priority priority = queue::priority::medium;
  task_state state = task_state::ready;
  std::uint32_t attempt = 0;  // attempts made, the running one included
  std::uint32_t max_attempts = 0;
  std::uint64_t fence = 0;  // how often it was claimed
  milliseconds timeout{}, retry_delay{};
  bool cancel_requested = false;
  std::string limit_key;
  std::string worker;    // who has it, or had it last
  std::string progress;  // JSON text, of the last attempt
  std::string result;    // JSON text, when done
  std::string error;     // of the last attempt that failed
  queue_time created{};
  std::optional<queue_time> run_at{}, lease_until{}, finished{};
};

}  // namespace tidewire::queue
