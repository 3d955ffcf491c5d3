#pragma once

#include "command_model.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire::cli {

// Completion scripts for the tool whose commands these are. They stand alone: nothing of the tool
// runs while somebody types. Each offers commands, options, the words an option takes, and files or
// folders where it takes those.
std::string bash_completion(const command_model& tool);
std::string zsh_completion(const command_model& tool);
std::string fish_completion(const command_model& tool);

// What the three share.

// Visits a command and all below it, parents first.
void for_each_command(const command_model& command,
                      const std::function<void(const command_model&)>& visit);

// "tidewire get" and so on, without the tool itself.
std::vector<std::string> command_paths(const command_model& tool);

// "tidewire get --output" and so on: each name of each option that a value follows.
std::vector<std::string> options_with_value(const command_model& tool);

// The words that fit a value: choices, or the names of the tool's commands; empty for others.
std::vector<std::string> words_for(const option_model& option, const command_model& tool);

// 'text', for bash and zsh.
std::string shell_quoted(std::string_view text);

std::string joined(const std::vector<std::string>& words, std::string_view separator);

// The text with `with` for each `what`.
std::string replaced(std::string text, std::string_view what, std::string_view with);

}  // namespace tidewire::cli
