#pragma once

#include <tidewire/core/types.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::demo {

struct exit_status {
  int code = 0;    // of an exit
  int signal = 0;  // or what ended it
};

// A run of this very program with other arguments, its standard error on a pipe. It dies with us,
// however we die, and gets no signal from the terminal: when it ends is the demo's to say. Used on
// one thread, the one that starts it (the kernel ties the child's life to that thread).
class child_process {
 public:
  // Lines beyond this are dropped: nothing that we want to hear is so long.
  static constexpr std::size_t max_line_bytes = 128 * 1024;

  // Errors of the system.
  static result<std::unique_ptr<child_process>> start(const executor& ex,
                                                      std::vector<std::string> arguments);
  // Kills and reaps it, if need be.
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  // The next line of its standard error, without the newline; nothing at the end.
  asio::awaitable<std::optional<std::string>> read_line();
  // Its end; reaps it.
  asio::awaitable<exit_status> wait();
  // Nothing happens once it has been reaped.
  void send_signal(int number);

 private:
  child_process(const executor& ex, pid_t pid, int pid_fd, int pipe_fd);
  std::optional<std::string> take_line();

  pid_t pid_;
  asio::posix::stream_descriptor ended_, output_;
  std::string buffer_;
  bool skipping_ = false;  // the rest of a line that was too long
  bool reaped_ = false;
};

}  // namespace tidewire::demo
