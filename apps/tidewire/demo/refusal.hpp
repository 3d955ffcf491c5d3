#pragma once

#include <optional>
#include <string>

namespace tidewire::demo {

// Why a command was not carried out, for the console: an HTTP status and a sentence.
struct refusal {
  unsigned status;
  std::string detail;
};

// Nothing: it was.
using outcome = std::optional<refusal>;

}  // namespace tidewire::demo
