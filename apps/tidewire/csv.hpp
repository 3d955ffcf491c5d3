#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire::cli {

struct csv_row {
  std::size_t line = 0;  // of the file, from 1, where it begins
  std::vector<std::string> fields;
};

struct csv_table {
  std::vector<csv_row> rows;  // the first one has the names
  std::string fault;          // what is wrong, with its line; empty: nothing
};

// RFC 4180: commas, quotes doubled inside quotes, line ends of either kind also inside quotes.
// Empty lines are skipped, a byte order mark too. Every row has as many fields as the first. Pure.
csv_table read_csv(std::string_view text, std::size_t max_rows);

}  // namespace tidewire::cli
