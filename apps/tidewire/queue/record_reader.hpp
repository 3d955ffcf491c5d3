#pragma once

#include <tidewire/core/types.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace tidewire::cli {

// Lines of a file descriptor, each bounded. Blocks.
class record_reader {
 public:
  struct record {
    std::string text;
    bool too_long = false;  // the text was left out
  };

  record_reader(int fd, std::size_t max_bytes) : fd_(fd), max_bytes_(max_bytes) {}

  // The next line, without its end; nothing behind the last one. Errors of the system.
  result<std::optional<record>> next();
  // Whether next() would answer without waiting for who writes.
  bool ready() const;

 private:
  std::optional<record> take_line();

  int fd_;
  std::size_t max_bytes_, searched_ = 0;
  std::string buffer_;
  bool skipping_ = false, end_ = false;
};

}  // namespace tidewire::cli
