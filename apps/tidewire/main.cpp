#include "commands.hpp"
#include "escape.hpp"
#include "terminal.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <exception>
#include <string>

namespace {

using namespace tidewire::cli;

// CLI11 reports each kind of fault with a number of its own; here they are all `usage`.
exit_code report(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {  // --help and --version are "errors" of their own
    app.exit(error);
    return exit_code::ok;
  }
  std::string command = "tidewire";
  for (auto* sub : app.get_subcommands()) command += " " + sub->get_name();
  write_stderr(command + ": " + escape_terminal(error.what()) + "\nTry `" + command +
               " --help`.\n");
  return exit_code::usage;
}

exit_code run(int argc, char** argv) {
  CLI::App app{"Tidewire keeps data moving over networks that fail."};
  app.name("tidewire");
  app.set_version_flag("--version", std::string("tidewire ") + TIDEWIRE_VERSION);
  app.require_subcommand(1);
  app.footer("Start with `tidewire get --help`. Manual: docs/cli.md");
  action chosen;
  add_get(app, chosen);
  add_transfers(app, chosen);
  add_poll(app, chosen);
  add_serve(app, chosen);
  add_proxy(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report(app, error);
  }
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that goes away (`| head`) is an error of write(), not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return static_cast<int>(run(argc, argv));
  } catch (const std::exception& defect) {
    write_stderr("tidewire: internal error: " + escape_terminal(defect.what()) + "\n");
    return static_cast<int>(exit_code::internal);
  }
}
