#include "completion.hpp"

// fish asks every rule whether it holds; ours hold where their command is being typed, which one
// function finds out as the bash script does.

namespace tidewire::cli {
namespace {

constexpr auto prologue = R"(# fish completion for tidewire: `tidewire completion fish`

function __tidewire_at --description 'Is this the command that is being typed?'
    set -l at tidewire
    set -l value_follows no
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if test $value_follows = yes
            set value_follows no
            continue
        end
        switch "$at $word"
)";

std::string fish_quoted(std::string text) {
  text = replaced(std::move(text), "\\", "\\\\");
  text = replaced(std::move(text), "'", "\\'");
  return "'" + replaced(std::move(text), "\n", " ") + "'";
}

std::string case_of(const std::vector<std::string>& patterns, const std::string& then) {
  if (patterns.empty()) return "";
  std::string text = "            case";
  for (auto& pattern : patterns) text += " " + fish_quoted(pattern);
  return text + "\n                set " + then + "\n";
}

// Without a value kind of its own an argument gets nothing: fish would offer files otherwise.
std::string value(const option_model& option, const command_model& tool) {
  auto words = words_for(option, tool);
  if (!words.empty()) return " -x -a " + fish_quoted(joined(words, " "));
  switch (option.kind) {
    case value_kind::none:
      return "";
    case value_kind::file:
      return " -r -F";
    case value_kind::folder:
      return " -x -a '(__fish_complete_directories)'";
    default:
      return " -x";
  }
}

std::string rules(const command_model& command, const command_model& tool) {
  auto rule = "complete -c tidewire -n " + fish_quoted("__tidewire_at " + command.path);
  std::string text;
  for (auto& below : command.commands)
    text += rule + " -a " + below.name() + " -d " + fish_quoted(below.summary()) + "\n";
  for (auto& option : command.options) {
    text += rule;
    for (auto& name : option.names)
      text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    text += value(option, tool) + " -d " + fish_quoted(option.help) + "\n";
  }
  for (auto& argument : command.arguments)
    if (auto offered = value(argument, tool); offered != " -x")
      text += rule + (offered == " -r -F" ? " -F" : offered.substr(3)) + "\n";
  return text;
}

}  // namespace

std::string fish_completion(const command_model& tool) {
  auto text =
      prologue + case_of(command_paths(tool), "at \"$at $word\"") +
      case_of(options_with_value(tool), "value_follows yes") +
      "        end\n    end\n    test \"$at\" = \"$argv\"\nend\n\ncomplete -c tidewire -f\n";
  for_each_command(tool, [&](const command_model& command) { text += rules(command, tool); });
  return text;
}

}  // namespace tidewire::cli
