#pragma once

#include <tidewire/transfer/download_progress.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tidewire::cli {

// What the terminal can show.
struct bar_style {
  std::size_t columns = 80;
  bool unicode = true;  // the locale is UTF-8
  bool colour = true;   // NO_COLOR is unset
};

// One line, at most `columns` wide (colour codes not counted) and without a newline:
//
//   name [████▓░░░████▓░░░]  45% 12.3 MiB/27.4 MiB  3.1 MiB/s    0:05
//
// The map shows the file from its first to its last byte: held, the heads of the connections, and
// what is missing. On a narrow line name, sizes, time and rate are left out, in this order; with
// `keep_name`, when several files share the screen, the name stays longest. A file of unknown size
// has no percentage and no map but a block that moves as bytes arrive. `name` is escaped here.
std::string render_bar(std::string_view name, const transfer::download_progress& progress,
                       const bar_style& style, bool keep_name = false);

// The same facts as a sentence, for logs and pipes.
std::string render_line(std::string_view name, const transfer::download_progress& progress);

// "45%", at most "99%" before everything is verified; empty while the size is unknown.
std::string percentage_text(const transfer::download_progress& progress);

const char* phase_name(transfer::download_phase phase);

}  // namespace tidewire::cli
