#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidewire::cli {

// One --kind of a worker.
struct kind_option {
  std::string name;
  std::string command;  // empty: built in
};

// "NAME=COMMAND", or the name of what is built in: "http". Nothing for anything else.
std::optional<kind_option> parse_kind(std::string_view text);

}  // namespace tidewire::cli
