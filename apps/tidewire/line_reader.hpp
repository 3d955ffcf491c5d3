#pragma once

#include <tidewire/core/types.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace tidewire::cli {

// Reads lines of a file descriptor, be it a pipe, a terminal or a file, on a thread of its own. A
// line is handed over on `ex`, one at a time: the next one follows when next() was called.
class line_reader {
 public:
  static constexpr std::size_t max_line_bytes = 64 * 1024;
  struct line {
    std::string text;
    bool too_long = false;  // what is beyond the maximum was left out
    bool end = false;       // there is no more
  };

  line_reader(int fd, executor ex, std::function<void(line)> take);
  // Ends the thread, also one that waits for input.
  ~line_reader();
  line_reader(const line_reader&) = delete;
  line_reader& operator=(const line_reader&) = delete;

  void next();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tidewire::cli
