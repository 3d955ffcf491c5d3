#include "command_model.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string_view>

namespace tidewire::cli {
namespace {

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  while (true) {
    auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + separator.size());
  }
}

bool has_capital(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

value_kind kind_of(std::string_view value) {
  if (value == "FILE" || value == "LIST" || value == "PATH") return value_kind::file;
  if (value == "DIR" || value == "FOLDER") return value_kind::folder;
  if (value == "COMMAND") return value_kind::command;
  return value_kind::text;
}

// What one validator of CLI11 says of itself: "{auto,bar}" of IsMember, "UINT in [1 - 64]" of
// Range.
void read_validator(option_model& to, std::string_view says) {
  if (says.starts_with('{') && says.ends_with('}'))
    to.choices = split(says.substr(1, says.size() - 2), ",");
  auto begin = says.find(" in [");
  auto middle = says.find(" - ");
  if (begin != says.npos && middle != says.npos && says.ends_with(']'))
    to.limits = "from " + std::string(says.substr(begin + 5, middle - begin - 5)) + " to " +
                std::string(says.substr(middle + 3, says.size() - middle - 4));
}

void read_value(option_model& to, CLI::Option& option) {
  auto value = option.get_type_name();
  std::vector<std::string> said;
  for (int i = 0;; ++i) try {
      said.push_back(option.get_validator(i)->get_description());
    } catch (const CLI::OptionNotFound&) {  // the only sign of the end
      break;
    }
  // CLI11 appends them to the type's name; what people read is the name alone.
  for (auto s = said.rbegin(); s != said.rend(); ++s) {
    if (!s->empty() && value.ends_with(":" + *s)) value.resize(value.size() - s->size() - 1);
    read_validator(to, *s);
  }
  to.value = value;
  to.kind = kind_of(value);
  // In "N|auto" what is written small is typed as it stands.
  auto words = split(value, "|");
  if (to.choices.empty() && words.size() > 1)
    for (auto& word : words)
      if (!has_capital(word)) to.choices.push_back(word);
  if (!to.choices.empty()) to.kind = value_kind::choice;
}

option_model describe_option(CLI::Option& option) {
  option_model to;
  for (auto& name : option.get_snames()) to.names.push_back("-" + name);
  for (auto& name : option.get_lnames()) to.names.push_back("--" + name);
  to.help = option.get_description();
  to.required = option.get_required();
  bool flag = option.get_items_expected_max() == 0;
  auto policy = option.get_multi_option_policy();
  to.repeatable = option.get_expected_max() > 1 || (policy != CLI::MultiOptionPolicy::Throw &&
                                                    policy != CLI::MultiOptionPolicy::TakeLast);
  if (flag) return to;
  read_value(to, option);
  to.default_value = option.get_default_str();
  return to;
}

void read_options(command_model& to, CLI::App& app) {
  bool group = app.get_name().empty();
  for (auto* option : app.get_options([](CLI::Option* o) { return !o->get_group().empty(); })) {
    if (group && option == app.get_help_ptr()) continue;  // a copy of its command's
    auto read = describe_option(*option);
    (read.names.empty() ? to.arguments : to.options).push_back(std::move(read));
  }
}

void read_footer(command_model& to, const std::string& footer) {
  for (auto& paragraph : split(footer, "\n\n")) {
    auto lines = split(paragraph, "\n");
    std::erase_if(lines, [](auto& line) { return line.empty(); });
    if (lines.empty()) continue;
    bool section = lines.size() > 1 && lines[0].ends_with(':') && lines[1].starts_with(' ');
    if (!section) {
      to.notes.push_back(CLI::detail::join(lines, "\n"));
      continue;
    }
    auto title = lines[0].substr(0, lines[0].size() - 1);
    to.sections.push_back({title, {lines.begin() + 1, lines.end()}});
  }
}

command_model describe_below(CLI::App& app, const std::string& parents) {
  command_model to;
  to.path = parents.empty() ? app.get_name() : parents + " " + app.get_name();
  to.help = app.get_description();
  read_options(to, app);
  read_footer(to, app.get_footer());
  for (auto* below : app.get_subcommands([](CLI::App* a) { return !a->get_group().empty(); })) {
    if (below->get_name().empty())  // CLI11's option groups are commands without a name
      read_options(to, *below);
    else
      to.commands.push_back(describe_below(*below, to.path));
  }
  return to;
}

}  // namespace

std::string command_model::name() const {
  return path.substr(path.rfind(' ') + 1);
}

std::string command_model::summary() const {
  auto one_line = help;
  std::replace(one_line.begin(), one_line.end(), '\n', ' ');
  auto first = one_line.substr(0, one_line.find(". "));
  if (first.ends_with('.')) first.pop_back();
  return first;
}

command_model describe(CLI::App& app) {
  return describe_below(app, "");
}

}  // namespace tidewire::cli
