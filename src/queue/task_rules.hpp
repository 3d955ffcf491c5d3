#pragma once

#include <tidewire/queue/outcome.hpp>
#include <tidewire/queue/task.hpp>

#include <cstdint>
#include <string>
#include <string_view>

// What every store does with tasks: pure rules.
namespace tidewire::queue {

struct task_defaults {
  static constexpr std::uint32_t max_attempts = 3;
  static constexpr milliseconds timeout = std::chrono::seconds(30);
  static constexpr milliseconds retry_delay = std::chrono::seconds(1);
};

// Whether a task can be taken at all; what is wrong with it.
error_code check(const new_task& task);

// What is to become of a running task.
struct verdict {
  task_state state = task_state::done;
  milliseconds delay{};       // when scheduled or retrying
  bool attempt_back = false;  // it doesn't count
};

struct attempt_state {
  std::uint32_t attempt = 1, max_attempts = 1;  // this one included
  std::uint64_t starts = 1;
  bool cancel_requested = false;
};

verdict settle(const attempt_state& attempt, const outcome& how);
// The lease ended: the worker may be dead.
verdict give_up(const attempt_state& attempt);

// The longest beginning that fits and is UTF-8 still.
std::string cut(std::string text, std::size_t bytes);

constexpr std::string_view expired_text = "the worker was silent for too long";
constexpr std::string_view dependency_text = "a task that it depends on did not succeed: ";

}  // namespace tidewire::queue
