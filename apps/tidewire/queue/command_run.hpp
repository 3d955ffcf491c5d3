#pragma once

#include "queue/command_end.hpp"

#include <tidewire/core/timer.hpp>
#include <tidewire/core/types.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/types.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::cli {

struct command_order {
  std::string command;                   // for /bin/sh -c
  std::vector<std::string> environment;  // "TIDEWIRE_TASK_X=value", besides ours
  std::string input;                     // for its standard input
  std::chrono::nanoseconds grace = std::chrono::seconds(5);  // between SIGTERM and SIGKILL
};

// A command in a process group of its own, from its start until nothing of the group is left. It is
// killed when this process dies, though what it started may then go on. Used on one strand; the
// process must be started on the main thread, or another that lives as long.
class command_run : public std::enable_shared_from_this<command_run> {
 public:
  // `ended` is called once, on `ex`. Errors of the system: nothing was started.
  static result<std::shared_ptr<command_run>> start(const executor& ex, command_order order,
                                                    std::function<void(command_end)> ended);
  // Kills what is left.
  ~command_run();
  command_run(const command_run&) = delete;
  command_run& operator=(const command_run&) = delete;

  // SIGTERM to the group, and SIGKILL when that does not help.
  void terminate();
  // SIGKILL to the group, at once.
  void kill();

 private:
  struct pipes;
  command_run(const executor& ex, command_order order, std::function<void(command_end)> ended,
              pid_t pid, int pid_fd, pipes& ends);
  void run();
  void write_input();
  void read_output();
  void read_error();
  void wait_for_end();
  void drain();
  void finish();
  void signal_group(int number) const;

  using stream = asio::posix::stream_descriptor;
  command_order order_;
  std::function<void(command_end)> ended_;
  pid_t pid_;
  stream exit_, input_, output_, error_;
  timer patience_;
  std::size_t written_ = 0;
  std::array<char, 16 * 1024> output_space_{}, error_space_{};
  bool output_open_ = true, error_open_ = true, reaped_ = false, finished_ = false;
  bool told_ = false;
  command_end end_;
};

}  // namespace tidewire::cli
