#pragma once

#include <tidewire/core/types.hpp>

#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::cli {

// One download of a list.
struct list_entry {
  std::vector<std::string> sources;  // the first, then mirrors; at least one
  std::string out;                   // file name below the folder, or empty
  std::string checksum;              // "sha-256=HEX", or empty
  std::size_t line = 0;              // where it stands, for messages; 0: the command line
};

struct input_list {
  std::vector<list_entry> entries;
  std::string fault;  // "line 7: …" when the list can't be used; entries are then meaningless
};

// Reads the list format of --input-file:
//
//   # a comment
//   https://example.org/a.iso<TAB>https://mirror.example.org/a.iso
//     out=a.iso
//     checksum=sha-256=…
//
// A line that starts with a space or a tab is an option of the URL above it. At most 100,000
// entries and 64 KiB a line.
input_list read_input_list(std::istream& in);

// A name that stays below the folder: relative, no "..", not empty.
bool is_safe_relative_name(const std::string& name);

}  // namespace tidewire::cli
