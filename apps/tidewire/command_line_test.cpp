#include "command_line.hpp"

#include "command_model.hpp"
#include "completion.hpp"
#include "exit_code.hpp"

#include <gtest/gtest.h>

#include <set>

// What manual pages and completions expect of every command, so that one that is added can't
// forget.

namespace tidewire::cli {
namespace {

constexpr auto plain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";  // no shell expands these

template <class F>
void for_each_option(F visit) {
  command_line line;
  for_each_command(describe(line.definition()), [&](const command_model& command) {
    for (auto* list : {&command.options, &command.arguments})
      for (auto& option : *list) visit(command, option);
  });
}

TEST(command_line, every_command_says_what_it_is) {
  command_line line;
  std::set<std::string> paths;
  for_each_command(describe(line.definition()), [&](const command_model& command) {
    EXPECT_TRUE(paths.insert(command.path).second) << command.path;
    EXPECT_FALSE(command.summary().empty()) << command.path;
    EXPECT_LE(command.summary().size(), 100u) << command.path << ": a page's NAME is one line";
    EXPECT_EQ(command.name().find_first_not_of(plain), std::string::npos) << command.path;
  });
  EXPECT_TRUE(paths.contains("tidewire transfers list"));
}

TEST(command_line, every_option_has_help_and_a_name_for_its_value) {
  for_each_option([](const command_model& command, const option_model& option) {
    auto where = command.path + " " + (option.names.empty() ? option.value : option.names.back());
    EXPECT_FALSE(option.help.empty()) << where;
    EXPECT_EQ(option.kind == value_kind::none, option.value.empty()) << where;
    EXPECT_EQ(option.value.find('{'), std::string::npos) << where << ": " << option.value;
  });
}

TEST(command_line, choices_are_words_that_no_shell_expands) {
  for_each_option([](const command_model& command, const option_model& option) {
    for (auto& choice : option.choices)
      EXPECT_EQ(choice.find_first_not_of(plain), std::string::npos)
          << command.path << " " << choice;
  });
}

TEST(exit_codes, are_each_told_once_in_order) {
  int before = -1;
  for (auto& entry : exit_codes()) {
    EXPECT_GT(static_cast<int>(entry.code), before);
    before = static_cast<int>(entry.code);
    EXPECT_STREQ(exit_code_name(entry.code), entry.name);
    EXPECT_NE(exit_code_help().find(entry.meaning), std::string::npos);
  }
  EXPECT_STREQ(exit_code_name(static_cast<exit_code>(1)), "unknown");
}

}  // namespace
}  // namespace tidewire::cli
