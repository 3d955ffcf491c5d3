#pragma once

#include <cstddef>
#include <string_view>

namespace tidewire::cli {

// What is known about the terminal behind stderr. Asked anew for each drawing, since people resize
// windows.
struct terminal_size {
  std::size_t columns = 80, rows = 24;
};
terminal_size stderr_size();

bool stderr_is_terminal();  // and TERM is neither empty nor "dumb"
bool colour_wanted();       // NO_COLOR (no-color.org) is unset or empty
bool locale_is_utf8();      // by LC_ALL, LC_CTYPE, LANG

// Writes all of it, ignoring a reader that went away: progress is never a reason to fail.
void write_stderr(std::string_view text);
void write_stdout(std::string_view text);

}  // namespace tidewire::cli
