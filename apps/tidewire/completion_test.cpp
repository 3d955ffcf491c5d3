#include "completion.hpp"

#include <gtest/gtest.h>

// What the scripts do in a shell is tried in test/integration; here is what they must say, and that
// no text of a definition can leave its quotes.

namespace tidewire::cli {
namespace {

option_model option(std::vector<std::string> names, std::string value, std::string help,
                    value_kind kind) {
  option_model made;
  made.names = std::move(names);
  made.value = std::move(value);
  made.help = std::move(help);
  made.kind = kind;
  return made;
}

command_model small_tool() {
  command_model get, tool;
  get.path = "tidewire get";
  get.help = "It's a [good] one: get. More.";
  get.options = {option({"-o", "--output"}, "FILE", "Save", value_kind::file),
                 option({"--mode"}, "slow|fast", "It's [how]: \\ x", value_kind::choice),
                 option({"-q"}, "", "Quiet", value_kind::none)};
  get.options[1].choices = {"slow", "fast"};
  get.arguments = {option({}, "COMMAND", "Which", value_kind::command)};
  tool.path = "tidewire";
  tool.commands = {get};
  return tool;
}

bool has(const std::string& script, const std::string& line) {
  return script.find(line) != script.npos;
}

TEST(completion, bash_has_commands_options_and_choices) {
  auto script = bash_completion(small_tool());
  EXPECT_TRUE(has(script, "'tidewire get')\n        at=\"$at ${COMP_WORDS[i]}\"\n")) << script;
  EXPECT_TRUE(has(script, "'tidewire get -o' | \\\n        'tidewire get --output' | \\\n"));
  EXPECT_TRUE(
      has(script, "'tidewire get -o' | 'tidewire get --output') _tidewire_offer file; return ;;"));
  EXPECT_TRUE(
      has(script, "'tidewire get --mode') _tidewire_offer words \"$cur\" 'slow fast'; return ;;"));
  EXPECT_TRUE(has(script, "_tidewire_offer words \"$cur\" '-o --output --mode -q'"));
  EXPECT_FALSE(has(script, "'tidewire get -q')"));  // a flag takes no value
}

TEST(completion, zsh_has_commands_options_and_choices) {
  auto script = zsh_completion(small_tool());
  EXPECT_TRUE(script.starts_with("#compdef tidewire\n"));
  EXPECT_TRUE(has(script, "'get:It'\\''s a [good] one: get'")) << script;
  EXPECT_TRUE(has(script, "'(-o --output)--output=[Save]:FILE:_files'")) << script;
  EXPECT_TRUE(has(script, R"('(--mode)--mode=[It'\''s \[how\]\: \\ x]:slow|fast:(slow fast)')"))
      << script;
  EXPECT_TRUE(has(script, "':COMMAND:(get)'")) << script;
}

TEST(completion, fish_has_commands_options_and_choices) {
  auto script = fish_completion(small_tool());
  auto at = std::string("complete -c tidewire -n '__tidewire_at tidewire");
  EXPECT_TRUE(has(script, at + "' -a get -d 'It\\'s a [good] one: get'\n")) << script;
  EXPECT_TRUE(has(script, at + " get' -s o -l output -r -F -d 'Save'\n")) << script;
  EXPECT_TRUE(has(script, at + " get' -l mode -x -a 'slow fast' -d 'It\\'s [how]: \\\\ x'\n"))
      << script;
  EXPECT_TRUE(has(script, at + " get' -a 'get'\n")) << script;
}

TEST(completion, quotes_for_shells) {
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
}

}  // namespace
}  // namespace tidewire::cli
