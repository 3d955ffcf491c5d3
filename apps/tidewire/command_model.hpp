#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tidewire::cli {

// What may stand where an option or an argument wants a value, as far as a shell can help with it.
enum class value_kind {
  none,     // a flag
  text,     // anything
  choice,   // one of `choices`, though perhaps not only those
  file,     // FILE, LIST, PATH
  folder,   // DIR, FOLDER
  command,  // COMMAND: the name of one of the tool's own commands
};

// One option, or one positional argument when it has no names.
struct option_model {
  std::vector<std::string> names;  // "-o", "--output"
  std::string value;               // "FILE"; empty for a flag
  std::string help;
  std::string default_value;  // where the definition captures it; empty otherwise
  std::string limits;         // "from 1 to 64"
  std::vector<std::string> choices;
  value_kind kind = value_kind::none;
  bool required = false;
  bool repeatable = false;
};

// A paragraph of a command's footer that has a heading: "Examples:" and the indented lines below.
struct footer_section {
  std::string title;  // "Examples"
  std::vector<std::string> lines;
};

// One command and all below it, as plain values: what manual pages and completions are made from.
struct command_model {
  std::string path;  // "tidewire transfers list", as typed
  std::string help;
  std::vector<std::string> notes;  // the footer's paragraphs without a heading
  std::vector<footer_section> sections;
  std::vector<option_model> options, arguments;
  std::vector<command_model> commands;

  std::string name() const;     // "list"
  std::string summary() const;  // the first sentence of `help`, without its full stop
};

// Reads the definition of a command line. What is hidden from --help (an empty group) is left out.
// The application is not changed; CLI11 shows validators only through a reference that could.
command_model describe(CLI::App& app);

}  // namespace tidewire::cli
