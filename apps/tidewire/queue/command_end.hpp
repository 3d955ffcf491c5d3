#pragma once

#include <tidewire/queue/outcome.hpp>

#include <cstddef>
#include <string>

namespace tidewire::cli {

// What is kept of what a command writes.
constexpr std::size_t kept_output_bytes = 256 * 1024;  // of stdout, from the beginning
constexpr std::size_t kept_text_bytes = 32 * 1024;     // of that, when it is no JSON
constexpr std::size_t kept_error_bytes = 2 * 1024;     // of stderr, up to the end

// How the command of a task ended.
struct command_end {
  int code = 0;             // of its exit
  int signal = 0;           // or what ended it
  std::string output{};     // stdout, the first kept_output_bytes
  bool output_cut = false;  // there was more
  std::string error{};      // stderr, the last kept_error_bytes
};

// 0: done, and what it printed is the result: JSON when it is that, else a text. 65 (EX_DATAERR):
// discarded. Everything else, and a signal: another attempt may succeed.
queue::outcome outcome_of(const command_end& end);

}  // namespace tidewire::cli
