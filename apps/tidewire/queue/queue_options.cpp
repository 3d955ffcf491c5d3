#include "queue/queue_options.hpp"

#include "terminal.hpp"

#include <CLI/CLI.hpp>

namespace tidewire::cli {

void add_queue_options(CLI::App& command, queue_options& o) {
  command
      .add_option("--store", o.store,
                  "Where the tasks are: sqlite:FILE or postgres://HOST/DATABASE (default: what "
                  "TIDEWIRE_STORE says)")
      ->type_name("STORE")
      ->envname("TIDEWIRE_STORE")
      ->required();
  command.add_flag("--json", o.json, "Print JSON, one object a line");
}

exit_code fail_queue(const char* command, exit_code code, const std::string& text) {
  write_stderr("tidewire queue " + std::string(command) + ": " + text + "\n");
  return code;
}

}  // namespace tidewire::cli
