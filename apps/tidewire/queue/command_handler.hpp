#pragma once

#include "queue/command_run.hpp"

#include <tidewire/queue/task_handler.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace tidewire::cli {

// The commands that run now.
class running_commands {
 public:
  void add(const std::shared_ptr<command_run>& run);
  void kill_all();

 private:
  std::vector<std::weak_ptr<command_run>> all_;
};

// A handler that runs a command for each task, on `ex`, the queue's strand: its payload on standard
// input, the rest in the environment (docs/cli.md). When the attempt should end the command's group
// gets SIGTERM, and SIGKILL after `grace`. `running` must outlive the handlers.
queue::task_handler make_command_handler(const executor& ex, std::string command,
                                         std::chrono::nanoseconds grace, running_commands& running);

}  // namespace tidewire::cli
