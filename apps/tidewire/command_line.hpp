#pragma once

#include "commands.hpp"

#include <CLI/App.hpp>

namespace tidewire::cli {

// The whole command line of the tool: every command with its options, defined once. Running it, its
// manual pages and its completions all come from here.
class command_line {
 public:
  command_line();
  command_line(const command_line&) = delete;  // the options write into this object

  // Reads what was typed and does it. Faults are told on stderr.
  exit_code run(int argc, char** argv);

  CLI::App& definition() { return app_; }

 private:
  CLI::App app_;
  action chosen_;
};

}  // namespace tidewire::cli
