#include "completion.hpp"

namespace tidewire::cli {

void for_each_command(const command_model& command,
                      const std::function<void(const command_model&)>& visit) {
  visit(command);
  for (auto& below : command.commands) for_each_command(below, visit);
}

std::vector<std::string> command_paths(const command_model& tool) {
  std::vector<std::string> paths;
  for_each_command(tool, [&](const command_model& command) { paths.push_back(command.path); });
  paths.erase(paths.begin());
  return paths;
}

std::vector<std::string> options_with_value(const command_model& tool) {
  std::vector<std::string> all;
  for_each_command(tool, [&](const command_model& command) {
    for (auto& option : command.options)
      if (option.kind != value_kind::none)
        for (auto& name : option.names) all.push_back(command.path + " " + name);
  });
  return all;
}

std::vector<std::string> words_for(const option_model& option, const command_model& tool) {
  if (option.kind != value_kind::command) return option.choices;
  std::vector<std::string> names;
  names.reserve(tool.commands.size());
  for (auto& command : tool.commands) names.push_back(command.name());
  return names;
}

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (auto& word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

std::string shell_quoted(std::string_view text) {
  return "'" + replaced(std::string(text), "'", "'\\''") + "'";
}

}  // namespace tidewire::cli
