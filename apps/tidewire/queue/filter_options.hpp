#pragma once

#include <tidewire/queue/task_store.hpp>

#include <CLI/App.hpp>

#include <string>

namespace tidewire::cli {

// Which tasks a command is about, as typed.
struct filter_options {
  std::string state, priority;
  queue::task_filter which;

  queue::task_filter filter() const;
};
void add_filter(CLI::App& command, filter_options& o);

}  // namespace tidewire::cli
