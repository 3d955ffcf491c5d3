#include "completion.hpp"

// The script finds the command that is being typed, skipping options with their values, and then
// looks up "COMMAND OPTION" for a value and "COMMAND" for everything else. bash splits words at
// "=", so that --option=value arrives as three.

namespace tidewire::cli {
namespace {

constexpr auto prologue = R"(# bash completion for tidewire: `tidewire completion bash`

_tidewire_offer() {  # words CURRENT LIST, or file, or folder
  case $1 in
    words) mapfile -t COMPREPLY < <(compgen -W "$3" -- "$2") ;;
    file) compopt -o default ;;  # readline knows of quotes, ~ and slashes
    folder) compopt -o dirnames ;;
  esac
}

_tidewire() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} at=tidewire i
  COMPREPLY=()
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at ${COMP_WORDS[i]}" in
)";

// 'tidewire get -o' | 'tidewire get --output': what leads into one arm of a case.
std::string patterns(const std::vector<std::string>& of, std::string_view separator = " | ") {
  std::vector<std::string> quoted;
  quoted.reserve(of.size());
  for (auto& text : of) quoted.push_back(shell_quoted(text));
  return joined(quoted, separator);
}

// An arm of the first case, one pattern a line.
std::string arm(const std::vector<std::string>& of, std::string_view then) {
  if (of.empty()) return "";
  return "      " + patterns(of, " | \\\n        ") + ")\n        " + std::string(then) +
         "\n        ;;\n";
}

std::string offer(const option_model& option, const command_model& tool) {
  auto words = words_for(option, tool);
  if (!words.empty()) return "_tidewire_offer words \"$cur\" " + shell_quoted(joined(words, " "));
  if (option.kind == value_kind::file) return "_tidewire_offer file";
  if (option.kind == value_kind::folder) return "_tidewire_offer folder";
  return ":";  // nothing
}

std::vector<std::string> keys(const command_model& command, const option_model& option) {
  std::vector<std::string> all;
  all.reserve(option.names.size());
  for (auto& name : option.names) all.push_back(command.path + " " + name);
  return all;
}

std::string values(const command_model& tool) {
  std::string text;
  for_each_command(tool, [&](const command_model& command) {
    for (auto& option : command.options)
      if (option.kind != value_kind::none)
        text +=
            "    " + patterns(keys(command, option)) + ") " + offer(option, tool) + "; return ;;\n";
  });
  return text;
}

std::string places(const command_model& tool) {
  std::string text;
  for_each_command(tool, [&](const command_model& command) {
    std::vector<std::string> options, names;
    for (auto& option : command.options)
      options.insert(options.end(), option.names.begin(), option.names.end());
    for (auto& below : command.commands) names.push_back(below.name());
    text += "    " + shell_quoted(command.path) + ")\n      if [[ $cur == -* ]]; then\n" +
            "        _tidewire_offer words \"$cur\" " + shell_quoted(joined(options, " ")) + "\n";
    std::string others = ":";
    if (!names.empty())
      others = "_tidewire_offer words \"$cur\" " + shell_quoted(joined(names, " "));
    else if (!command.arguments.empty())
      others = offer(command.arguments.front(), tool);
    text += "      else\n        " + others + "\n";
    text += "      fi\n      ;;\n";
  });
  return text;
}

}  // namespace

std::string bash_completion(const command_model& tool) {
  return prologue + arm(command_paths(tool), "at=\"$at ${COMP_WORDS[i]}\"") +
         arm(options_with_value(tool),
             "[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))\n        ((i++))") +
         "    esac\n  done\n  case \"$at $prev\" in\n" + values(tool) + "  esac\n  case $at in\n" +
         places(tool) + "  esac\n}\n\ncomplete -F _tidewire tidewire\n";
}

}  // namespace tidewire::cli
