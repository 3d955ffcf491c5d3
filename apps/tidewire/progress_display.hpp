#pragma once

#include "exit_code.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace tidewire::cli {

enum class progress_mode { bar, lines, json, none };

struct display_options {
  progress_mode mode = progress_mode::lines;
  bool quiet = false;           // no result lines; failures are always told
  bool events = false;          // -v
  bool several = false;         // more than one file: names before percentages
  bool data_on_stdout = false;  // -o -: result lines go to stderr then
  std::chrono::nanoseconds json_interval = std::chrono::milliseconds(500);
};

// How one file ended, ready to print.
struct file_outcome {
  exit_code code = exit_code::ok;
  transfer::download_result result;
  std::string text;  // "saved x (…)" or the paragraph of explain(); escaped
  double seconds = 0;
};

// Prints what downloads do. All output of `tidewire get` goes through one of these, so that lines
// and bars don't tear each other. Progress, events and failures go to stderr, result lines of
// successes to stdout. Not thread-safe.
class progress_display {
 public:
  virtual ~progress_display() = default;
  virtual void begin(std::size_t file, const std::string& name, const std::string& url) = 0;
  virtual void update(std::size_t file, const transfer::download_progress& progress) = 0;
  virtual void event(std::size_t file, const transfer::download_event& event) = 0;
  virtual void finish(std::size_t file, const file_outcome& outcome) = 0;
  // A line about the whole run, to stderr.
  virtual void note(const std::string& text) = 0;
  // How often update() is worth calling.
  virtual std::chrono::nanoseconds interval() const = 0;
};

std::unique_ptr<progress_display> make_display(const display_options& options, clock now);

// What --progress auto means here: a bar on a terminal that can move its cursor, lines otherwise.
progress_mode automatic_mode();

}  // namespace tidewire::cli
