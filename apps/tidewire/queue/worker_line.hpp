#pragma once

#include <tidewire/queue/task_events.hpp>

#include <cstdint>
#include <string>

// What a worker says of its tasks: one line each, for people or as JSON. Those for people are safe
// on a terminal. Empty: nothing is to be said.
namespace tidewire::cli {

enum class line_form { text, json };

std::string worker_line(const queue::task_started& e, line_form form);
std::string worker_line(const queue::task_completed& e, line_form form);
std::string worker_line(const queue::task_failed& e, line_form form);
std::string worker_line(const queue::task_exhausted& e, line_form form);
std::string worker_line(const queue::task_cancelled& e, line_form form);

struct worker_totals {
  std::uint64_t done = 0, failed = 0, dead = 0, cancelled = 0;  // failed: attempts, to be repeated
};
std::string worker_line(const worker_totals& t, line_form form);

}  // namespace tidewire::cli
