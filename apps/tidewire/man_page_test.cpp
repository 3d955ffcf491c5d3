#include "man_page.hpp"

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

constexpr exit_code_entry codes[] = {{exit_code::ok, "ok", "fine"},
                                     {exit_code::disk, "disk", ".full"}};

command_model small_command() {
  option_model output, mode, what;
  output.names = {"-o", "--output"};
  output.value = "FILE";
  output.help = "Save here; \\ and - are kept";
  output.kind = value_kind::file;
  output.required = true;
  mode.names = {"--mode"};
  mode.value = "slow|fast";
  mode.help = "See `tool --help`";
  mode.choices = {"slow", "fast"};
  mode.kind = value_kind::choice;
  mode.default_value = "slow";
  what.value = "URL";
  what.repeatable = true;
  what.help = "What to get (default: 3)";
  what.limits = "from 1 to 9";
  command_model get;
  get.path = "tool get";
  get.help = "Get it. And more.";
  get.notes = {".leading dot"};
  get.sections = {{"Examples", {"  tool get 'a b' -o x"}}, {"Exit codes", {"  0 not this one"}}};
  get.options = {output, mode};
  get.arguments = {what};
  return get;
}

TEST(man_page, has_every_section_in_order) {
  EXPECT_EQ(man_page(small_command(), "tool 1.0", codes),
            R"(.TH "TOOL\-GET" 1 "" "tool 1.0" "Tidewire"
.SH "NAME"
tool\-get \- Get it
.SH "SYNOPSIS"
.B "tool get"
\fB\-\-output\fR \fIFILE\fR
[\fIOPTIONS\fR]
[\fIURL\fR...]
.SH "DESCRIPTION"
Get it. And more.
.PP
\&.leading dot
.SH "OPTIONS"
.TP
\fIURL\fR
What to get (default: 3; from 1 to 9)
.TP
\fB\-o\fR, \fB\-\-output\fR \fIFILE\fR
Save here; \e and \- are kept (required)
.TP
\fB\-\-mode\fR \fIslow|fast\fR
See \fBtool \-\-help\fR (default: slow)
.SH "EXIT STATUS"
.TP
\fB0\fR
fine
.TP
\fB8\fR
\&.full
.SH "EXAMPLES"
.nf
tool get \(aqa b\(aq \-o x
.fi
.SH "SEE ALSO"
\fBtool\fR(1)
)");
}

TEST(man_page, lists_the_commands_below_and_points_to_their_pages) {
  command_model tool;
  tool.path = "tool";
  tool.help = "A tool.";
  tool.commands = {small_command()};
  EXPECT_EQ(man_page_name(tool.commands[0]), "tool-get");
  auto page = man_page(tool, "tool 1.0", codes);
  EXPECT_NE(page.find(".SH \"COMMANDS\"\n.TP\n\\fBget\\fR\nGet it\n"), page.npos) << page;
  EXPECT_NE(page.find(".SH \"SEE ALSO\"\n\\fBtool\\-get\\fR(1)\n"), page.npos) << page;
  EXPECT_EQ(page.find("OPTIONS"), page.npos) << page;
}

}  // namespace
}  // namespace tidewire::cli
