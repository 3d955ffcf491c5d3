#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tidewire::cli {

// Makes text from the network, a URL or a file name safe to print on a terminal: control characters
// (C0, DEL, C1) and bytes that are not UTF-8 become "\xNN", characters that reorder or hide text
// (bidirectional overrides, zero-width ones, line separators) become "\u{NNNN}". What remains can
// neither move the cursor, nor set a title, nor pass for another name.
std::string escape_terminal(std::string_view text);

// Columns that escaped text takes on a terminal. Wide East Asian characters and emoji count 2,
// combining marks 0; good enough to keep a line on one line.
std::size_t display_width(std::string_view text);

// Cuts the middle out of escaped text until it fits `columns`: both a name's start and its suffix
// tell people which file it is.
std::string shorten(std::string_view text, std::size_t columns);

}  // namespace tidewire::cli
