#include "command_model.hpp"
#include "commands.hpp"
#include "completion.hpp"
#include "options.hpp"
#include "terminal.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace tidewire::cli {
namespace {

exit_code print_completion(const command_model& tool, const std::string& shell) {
  write_stdout(shell == "bash"  ? bash_completion(tool)
               : shell == "zsh" ? zsh_completion(tool)
                                : fish_completion(tool));
  return exit_code::ok;
}

}  // namespace

void add_completion(CLI::App& app, action& chosen) {
  auto shell = std::make_shared<std::string>();
  auto* command = app.add_subcommand("completion", "Print a script that completes this command");
  add_choice(*command, "shell", *shell, {"bash", "zsh", "fish"}, "The shell it is for")->required();
  command->footer(
      "Examples:\n"
      "  source <(tidewire completion bash)\n"
      "  tidewire completion zsh > ~/.zfunc/_tidewire\n"
      "  tidewire completion fish > ~/.config/fish/completions/tidewire.fish\n\n"
      "An installed Tidewire has these scripts already where the shells look for them.");
  command->callback([&app, shell, &chosen] {
    chosen = [&app, shell] { return print_completion(describe(app), *shell); };
  });
}

}  // namespace tidewire::cli
