#include "command_line.hpp"

#include "escape.hpp"
#include "terminal.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace tidewire::cli {
namespace {

// CLI11 reports each kind of fault with a number of its own; here they are all `usage`.
exit_code report(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {  // --help and --version are "errors" of their own
    app.exit(error);
    return exit_code::ok;
  }
  std::string command = "tidewire";
  for (auto* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    command += " " + at->get_name();
  }
  write_stderr(command + ": " + escape_terminal(error.what()) + "\nTry `" + command +
               " --help`.\n");
  return exit_code::usage;
}

}  // namespace

command_line::command_line() : app_("Tidewire keeps data moving over networks that fail.") {
  app_.name("tidewire");
  app_.set_version_flag("--version", std::string("tidewire ") + TIDEWIRE_VERSION);
  app_.require_subcommand(1);
  app_.footer("Start with `tidewire get --help`. Manual: `man tidewire`, docs/cli.md");
  add_get(app_, chosen_);
  add_transfers(app_, chosen_);
  add_poll(app_, chosen_);
  add_watch(app_, chosen_);
  add_publish(app_, chosen_);
  add_queue(app_, chosen_);
  add_mail(app_, chosen_);
  add_serve(app_, chosen_);
  add_proxy(app_, chosen_);
  add_demo(app_, chosen_);
  add_completion(app_, chosen_);
  add_man(app_, chosen_);
}

exit_code command_line::run(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report(app_, error);
  }
  return chosen_();
}

}  // namespace tidewire::cli
