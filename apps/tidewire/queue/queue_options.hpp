#pragma once

#include "exit_code.hpp"

#include <CLI/App.hpp>

#include <string>

namespace tidewire::cli {

// What all commands of `tidewire queue` take.
struct queue_options {
  std::string store;
  bool json = false;
};
void add_queue_options(CLI::App& command, queue_options& o);

// Says it on stderr, behind the command's name.
exit_code fail_queue(const char* command, exit_code code, const std::string& text);

}  // namespace tidewire::cli
