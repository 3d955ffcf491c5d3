#include "command_model.hpp"
#include "commands.hpp"
#include "escape.hpp"
#include "man_page.hpp"
#include "terminal.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

namespace tidewire::cli {
namespace {

struct man_options {
  std::vector<std::string> command;
  std::string output_folder;
};

exit_code fail(exit_code code, const std::string& text) {
  write_stderr("tidewire man: " + text + "\n");
  return code;
}

const command_model* find(const command_model& tool, const std::vector<std::string>& names) {
  auto* at = &tool;
  for (auto& name : names) {
    auto named = [&](const command_model& below) { return below.name() == name; };
    auto found = std::find_if(at->commands.begin(), at->commands.end(), named);
    if (found == at->commands.end()) return nullptr;
    at = &*found;
  }
  return at;
}

exit_code write_pages(const command_model& command, const std::string& version,
                      const std::string& folder) {
  auto path = folder + "/" + man_page_name(command) + ".1";
  std::ofstream file(path, std::ios::binary);
  file << man_page(command, version, exit_codes());
  file.close();
  if (!file)
    return fail(exit_code::disk, "can't write " + escape_terminal(path) + ": " +
                                     std::strerror(errno) +
                                     (errno == ENOENT ? ". Make the folder first." : "."));
  for (auto& below : command.commands)
    if (auto code = write_pages(below, version, folder); code != exit_code::ok) return code;
  return exit_code::ok;
}

exit_code run_man(CLI::App& app, const man_options& o) {
  auto tool = describe(app);
  auto* command = find(tool, o.command);
  if (!command) {
    std::string typed;
    for (auto& name : o.command) typed += " " + name;
    return fail(exit_code::usage, "there is no command `tidewire" + escape_terminal(typed) +
                                      "`.\nTry `tidewire --help`.");
  }
  if (!o.output_folder.empty()) return write_pages(*command, app.version(), o.output_folder);
  write_stdout(man_page(*command, app.version(), exit_codes()));
  return exit_code::ok;
}

}  // namespace

void add_man(CLI::App& app, action& chosen) {
  auto o = std::make_shared<man_options>();
  auto* command = app.add_subcommand("man", "Print the manual page of a command, for man(1)");
  command->add_option("command", o->command, "Whose page; the tool's own when there is none")
      ->type_name("COMMAND");
  command
      ->add_option("--output-dir", o->output_folder,
                   "Write the page, and those of all commands below, into this folder")
      ->type_name("DIR");
  command->footer(
      "Examples:\n"
      "  tidewire man get | man -l -\n"
      "  tidewire man transfers list | man -l -\n"
      "  tidewire man --output-dir ~/.local/share/man/man1");
  command->callback([&app, o, &chosen] { chosen = [&app, o] { return run_man(app, *o); }; });
}

}  // namespace tidewire::cli
