#include "command_model.hpp"

#include "options.hpp"

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

using strings = std::vector<std::string>;

struct definition {
  CLI::App app{"A tool. It does things.\nMany of them.", "tool"};
  std::string text, mode = "slow";
  std::vector<std::string> all;
  unsigned number = 0, verbose = 0;
  bool flag = false;
};

const option_model& only(const command_model& command) {
  EXPECT_EQ(command.options.size(), 2u);  // --help is the first
  return command.options.back();
}

TEST(command_model, reads_names_value_and_help) {
  definition d;
  d.app.add_option("-o,--output", d.text, "Where to")->type_name("FILE")->required();
  auto option = only(describe(d.app));
  EXPECT_EQ(option.names, (strings{"-o", "--output"}));
  EXPECT_EQ(option.value, "FILE");
  EXPECT_EQ(option.help, "Where to");
  EXPECT_EQ(option.kind, value_kind::file);
  EXPECT_TRUE(option.required);
  EXPECT_FALSE(option.repeatable);
}

TEST(command_model, a_flag_has_no_value) {
  definition d;
  d.app.add_flag("--flag", d.flag, "On");
  EXPECT_EQ(only(describe(d.app)).kind, value_kind::none);
  EXPECT_EQ(only(describe(d.app)).value, "");
  EXPECT_FALSE(only(describe(d.app)).repeatable);
}

TEST(command_model, a_counter_may_be_repeated) {
  definition d;
  d.app.add_flag("-v", d.verbose, "More");
  EXPECT_TRUE(only(describe(d.app)).repeatable);
}

TEST(command_model, choices_come_from_the_validator_and_from_words_written_small) {
  definition d;
  add_choice(d.app, "--mode", d.mode, {"slow", "fast"}, "How");
  auto checked = only(describe(d.app));
  EXPECT_EQ(checked.choices, (strings{"slow", "fast"}));
  EXPECT_EQ(checked.value, "slow|fast");
  EXPECT_EQ(checked.kind, value_kind::choice);

  definition e;
  e.app.add_option("-x", e.text, "How many")->type_name("N|auto");
  auto written = only(describe(e.app));
  EXPECT_EQ(written.choices, strings{"auto"});
  EXPECT_EQ(written.value, "N|auto");
}

TEST(command_model, a_range_is_told_apart_from_the_name_of_the_value) {
  definition d;
  d.app.add_option("-j", d.number, "Jobs")
      ->check(CLI::Range(1u, 64u))
      ->type_name("N")
      ->default_val(4);
  auto option = only(describe(d.app));
  EXPECT_EQ(option.value, "N");
  EXPECT_EQ(option.limits, "from 1 to 64");
  EXPECT_EQ(option.default_value, "4");
  EXPECT_EQ(option.kind, value_kind::text);
}

TEST(command_model, a_colon_in_the_name_of_the_value_stays) {
  definition d;
  d.app.add_option("--listen", d.text, "Where")->type_name("HOST:PORT");
  EXPECT_EQ(only(describe(d.app)).value, "HOST:PORT");
}

TEST(command_model, knows_folders_and_commands_by_their_names) {
  for (auto& [name, kind] : {std::pair{"DIR", value_kind::folder},
                             {"FOLDER", value_kind::folder},
                             {"LIST", value_kind::file},
                             {"PATH", value_kind::file},
                             {"COMMAND", value_kind::command},
                             {"sha-256=HEX", value_kind::text}}) {
    definition d;
    d.app.add_option("--x", d.text, "")->type_name(name);
    EXPECT_EQ(only(describe(d.app)).kind, kind) << name;
  }
}

TEST(command_model, arguments_are_those_without_dashes) {
  definition d;
  d.app.add_option("urls", d.all, "What")->type_name("URL");
  auto read = describe(d.app);
  ASSERT_EQ(read.arguments.size(), 1u);
  EXPECT_EQ(read.arguments[0].value, "URL");
  EXPECT_TRUE(read.arguments[0].names.empty());
  EXPECT_TRUE(read.arguments[0].repeatable);
}

TEST(command_model, commands_nest_and_groups_belong_to_their_command) {
  definition d;
  auto* group = d.app.add_option_group("Faults");
  group->add_flag("--cut", d.flag, "Cut");
  auto* below = d.app.add_subcommand("list", "Lists.");
  below->add_subcommand("all", "Everything");
  auto read = describe(d.app);
  EXPECT_EQ(only(read).names, strings{"--cut"});
  ASSERT_EQ(read.commands.size(), 1u);
  EXPECT_EQ(read.commands[0].name(), "list");
  ASSERT_EQ(read.commands[0].commands.size(), 1u);
  EXPECT_EQ(read.commands[0].commands[0].path, "tool list all");
}

TEST(command_model, what_is_hidden_is_left_out) {
  definition d;
  d.app.add_flag("--secret", d.flag, "")->group("");
  d.app.add_subcommand("hidden", "")->group("");
  EXPECT_EQ(describe(d.app).options.size(), 1u);
  EXPECT_TRUE(describe(d.app).commands.empty());
}

TEST(command_model, the_footer_has_sections_and_notes) {
  definition d;
  d.app.footer("Examples:\n  tool a\n  tool b\n\nSIZE is in bytes.\nTIME is not:\n\nLast.\n");
  auto read = describe(d.app);
  ASSERT_EQ(read.sections.size(), 1u);
  EXPECT_EQ(read.sections[0].title, "Examples");
  EXPECT_EQ(read.sections[0].lines, (strings{"  tool a", "  tool b"}));
  EXPECT_EQ(read.notes, (strings{"SIZE is in bytes.\nTIME is not:", "Last."}));
}

TEST(command_model, the_summary_is_the_first_sentence) {
  definition d;
  EXPECT_EQ(describe(d.app).summary(), "A tool");
  d.app.description("Broken\nover lines.");
  EXPECT_EQ(describe(d.app).summary(), "Broken over lines");
}

}  // namespace
}  // namespace tidewire::cli
