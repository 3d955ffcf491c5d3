#include "man_page.hpp"

#include "roff.hpp"

#include <algorithm>
#include <string_view>

namespace tidewire::cli {
namespace {

std::string bold(std::string_view text) {
  return "\\fB" + roff_escape(text) + "\\fR";
}
std::string italic(std::string_view text) {
  return "\\fI" + roff_escape(text) + "\\fR";
}

std::string page_name_of(std::string path) {
  std::replace(path.begin(), path.end(), ' ', '-');
  return path;
}

// Titles and headings are written in capitals.
std::string capitals(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return upper;
}

std::string item(const std::string& head, const std::string& body) {
  return ".TP\n" + head + "\n" + body + "\n";
}

std::string synopsis(const command_model& command) {
  std::string text = ".B " + roff_argument(command.path) + "\n";
  for (auto& option : command.options)
    if (option.required) text += bold(option.names.back()) + " " + italic(option.value) + "\n";
  if (!command.options.empty()) text += "[" + italic("OPTIONS") + "]\n";
  if (!command.commands.empty()) text += italic("COMMAND") + "\n";
  for (auto& argument : command.arguments) {
    auto value = italic(argument.value) + (argument.repeatable ? "..." : "");
    text += argument.required ? value + "\n" : "[" + value + "]\n";
  }
  return text;
}

std::string option_head(const option_model& option) {
  std::string text;
  for (auto& name : option.names) text += (text.empty() ? "" : ", ") + bold(name);
  if (option.value.empty()) return text;
  return text + (text.empty() ? "" : " ") + italic(option.value);
}

std::string option_body(const option_model& option) {
  auto text = option.help;
  std::string remarks;
  auto remark = [&](const std::string& words) { remarks += (remarks.empty() ? "" : "; ") + words; };
  if (option.required) remark("required");
  if (!option.limits.empty()) remark(option.limits);
  if (!option.default_value.empty()) remark("default: " + option.default_value);
  if (remarks.empty()) return roff_prose(text);
  bool has_some = text.ends_with(')');  // "(default: 4)" in the help itself
  if (has_some) text.pop_back();
  return roff_prose(text + (has_some ? "; " : " (") + remarks + ")");
}

std::string options(const command_model& command) {
  std::string text;
  for (auto* list : {&command.arguments, &command.options})
    for (auto& option : *list) text += item(option_head(option), option_body(option));
  return text;
}

std::string description(const command_model& command) {
  auto text = roff_prose(command.help) + "\n";
  for (auto& note : command.notes) text += ".PP\n" + roff_prose(note) + "\n";
  return text;
}

std::string commands(const command_model& command) {
  std::string text;
  for (auto& below : command.commands)
    text += item(bold(below.name()), roff_prose(below.summary()));
  return text;
}

std::string exit_status(std::span<const exit_code_entry> codes) {
  std::string text;
  for (auto& entry : codes)
    text += item(bold(std::to_string(static_cast<int>(entry.code))), roff_prose(entry.meaning));
  return text;
}

// Lines as they stand, like commands to type.
std::string verbatim(const std::vector<std::string>& lines) {
  std::string text = ".nf\n";
  for (auto& line : lines) text += roff_escape(line.substr(line.find_first_not_of(' '))) + "\n";
  return text + ".fi\n";
}

std::string see_also(const command_model& command) {
  std::vector<std::string> paths;
  if (auto end = command.path.rfind(' '); end != std::string::npos)
    paths.push_back(command.path.substr(0, end));
  for (auto& below : command.commands) paths.push_back(below.path);
  std::string text;
  for (auto& path : paths)
    text += std::string(text.empty() ? "" : ",\n") + bold(page_name_of(path)) + "(1)";
  return text.empty() ? text : text + "\n";
}

}  // namespace

std::string man_page_name(const command_model& command) {
  return page_name_of(command.path);
}

std::string man_page(const command_model& command, const std::string& version,
                     std::span<const exit_code_entry> codes) {
  auto name = man_page_name(command);
  auto page = ".TH " + roff_argument(capitals(name)) + " 1 \"\" " + roff_argument(version) + " " +
              roff_argument("Tidewire") + "\n";
  auto add = [&](std::string_view title, const std::string& text) {
    if (!text.empty()) page += ".SH " + roff_argument(capitals(title)) + "\n" + text;
  };
  add("NAME", roff_escape(name) + " \\- " + roff_escape(command.summary()) + "\n");
  add("SYNOPSIS", synopsis(command));
  add("DESCRIPTION", description(command));
  add("COMMANDS", commands(command));
  add("OPTIONS", options(command));
  add("EXIT STATUS", exit_status(codes));
  for (auto& part : command.sections)  // the table of exit codes stands there already
    if (part.title != "Exit codes") add(part.title, verbatim(part.lines));
  add("SEE ALSO", see_also(command));
  return page;
}

}  // namespace tidewire::cli
