#pragma once

#include "command_model.hpp"
#include "exit_code.hpp"

#include <span>
#include <string>

namespace tidewire::cli {

// "tidewire-transfers-list": the name people give to man(1).
std::string man_page_name(const command_model& command);

// The manual page of one command in the `man` macros, which groff and mandoc read; section 1.
// `version` is what --version prints. Undated, so that the same sources give the same page.
std::string man_page(const command_model& command, const std::string& version,
                     std::span<const exit_code_entry> codes);

}  // namespace tidewire::cli
