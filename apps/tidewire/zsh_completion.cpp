#include "completion.hpp"

// One function for each command, built on zsh's _arguments. A command with others below it hands
// the rest of the line down to theirs.

namespace tidewire::cli {
namespace {

std::string function_of(const command_model& command) {
  return "_" + replaced(replaced(command.path, " ", "_"), "-", "_");
}

// Text inside [...] or :...: of a specification of _arguments.
std::string in_spec(std::string text) {
  text = replaced(std::move(text), "\\", "\\\\");
  for (auto special : {"[", "]", ":"})
    text = replaced(std::move(text), special, std::string("\\") + special);
  return replaced(std::move(text), "\n", " ");
}

std::string value_spec(const option_model& option, const command_model& tool) {
  if (option.kind == value_kind::none) return "";
  auto text = ":" + in_spec(option.value) + ":";
  auto words = words_for(option, tool);
  if (!words.empty()) return text + "(" + joined(words, " ") + ")";
  if (option.kind == value_kind::file) return text + "_files";
  if (option.kind == value_kind::folder) return text + "_files -/";
  return text + " ";
}

// '(-o --output)'{-o+,--output=}'[help]:FILE:_files': the + and = let values follow at once too.
std::string option_specs(const option_model& option, const command_model& tool) {
  std::string text;
  auto others = option.repeatable ? "*" : "(" + joined(option.names, " ") + ")";
  for (auto& name : option.names) {
    auto spec = others + name;
    if (option.kind != value_kind::none) spec += name.starts_with("--") ? "=" : "+";
    spec += "[" + in_spec(option.help) + "]" + value_spec(option, tool);
    text += " \\\n    " + shell_quoted(spec);
  }
  return text;
}

std::string function(const command_model& command, const command_model& tool) {
  auto text = function_of(command) + "() {\n";
  if (!command.commands.empty()) text += "  local curcontext=$curcontext state line\n";
  text += "  _arguments -s -S" + std::string(command.commands.empty() ? "" : " -C");
  for (auto& option : command.options) text += option_specs(option, tool);
  if (!command.commands.empty()) {
    text += " \\\n    '1: :->command' \\\n    '*:: :->rest'\n";
    std::string names, cases;
    for (auto& below : command.commands) {
      names += " \\\n        " +
               shell_quoted(replaced(below.name(), ":", "\\:") + ":" + below.summary());
      cases += "        " + below.name() + ") " + function_of(below) + " ;;\n";
    }
    return text + "  case $state in\n    command)\n      local -a commands=(" + names +
           ")\n      _describe command commands\n      ;;\n    rest)\n      case $line[1] in\n" +
           cases + "      esac\n      ;;\n  esac\n}\n\n";
  }
  for (auto& argument : command.arguments)
    text +=
        " \\\n    " + shell_quoted((argument.repeatable ? "*" : "") + value_spec(argument, tool));
  return text + "\n}\n\n";
}

}  // namespace

std::string zsh_completion(const command_model& tool) {
  std::string text =
      "#compdef tidewire\n"
      "# zsh completion for tidewire: `tidewire completion zsh`\n\n";
  for_each_command(tool, [&](const command_model& command) { text += function(command, tool); });
  // As a file in $fpath it is the body of _tidewire itself; sourced, it has to register.
  return text +
         "if [[ $funcstack[1] == _tidewire ]]; then\n  _tidewire \"$@\"\nelse\n"
         "  compdef _tidewire tidewire\nfi\n";
}

}  // namespace tidewire::cli
