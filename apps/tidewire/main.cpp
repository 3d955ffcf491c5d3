#include "command_line.hpp"
#include "escape.hpp"
#include "terminal.hpp"

#include <csignal>
#include <exception>

int main(int argc, char** argv) {
  using namespace tidewire::cli;
  // A reader that goes away (`| head`) is an error of write(), not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    command_line line;
    return static_cast<int>(line.run(argc, argv));
  } catch (const std::exception& defect) {
    write_stderr("tidewire: internal error: " + escape_terminal(defect.what()) + "\n");
    return static_cast<int>(exit_code::internal);
  }
}
