#include "bulk_plan.hpp"

#include "csv.hpp"

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

std::vector<std::vector<std::string>> fields(std::string_view text) {
  auto table = read_csv(text, 100);
  EXPECT_EQ(table.fault, "") << text;
  std::vector<std::vector<std::string>> out;
  for (auto& row : table.rows) out.push_back(row.fields);
  return out;
}

using rows = std::vector<std::vector<std::string>>;

TEST(csv, reads_what_spreadsheets_write) {
  EXPECT_EQ(fields(""), rows{});
  EXPECT_EQ(fields("a,b\n1,2"), (rows{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(fields("\xef\xbb\xbf"
                   "a,b\r\n1,\r\n\r\n,2\r\n"),
            (rows{{"a", "b"}, {"1", ""}, {"", "2"}}));
  EXPECT_EQ(fields("\"a,\"\"x\"\"\",b\n\"1\r\n2\",\"\"\n"),
            (rows{{"a,\"x\"", "b"}, {"1\r\n2", ""}}));
}

TEST(csv, knows_the_line_of_a_row_and_of_a_fault) {
  auto table = read_csv("a\n\"x\ny\"\nz\n", 100);
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.rows[1].line, 2u);
  EXPECT_EQ(table.rows[2].line, 4u);
  for (auto [bad, says] : {std::pair("a,b\n1\n", "line 2: 1 fields"),
                           {"a\nb\"c\n", "line 2: a quote inside"},
                           {"a\n\"b\nc", "line 2: a quote that nothing closes"},
                           {"a\n\"b\"c\n", "line 2: something follows"}}) {
    auto fault = read_csv(bad, 100).fault;
    EXPECT_TRUE(fault.starts_with(says)) << bad << ": " << fault;
  }
  EXPECT_EQ(read_csv("a\n1\n2\n3\n", 3).fault, "");
  EXPECT_NE(read_csv("a\n1\n2\n3\n", 2).fault, "");
}

mail::message base() {
  mail::message m;
  m.from = "shop@a.example";
  m.subject = "For {{name}}";
  m.text = "Dear {{ name }}, {{x}} {not} {{";
  m.html = "<p>{{name}}</p>";
  return m;
}

TEST(bulk_plan, fills_each_message_from_its_row) {
  auto plan = make_bulk_plan("to,name,x\nann@b.example,Ann,1\nBob <bob@b.example>,\"<B&b>\",2\n",
                             base(), "may", {});
  ASSERT_TRUE(plan.faults.empty()) << plan.faults[0];
  ASSERT_EQ(plan.letters.size(), 2u);
  auto& ann = plan.letters[0].message;
  EXPECT_EQ(ann.to.email, "ann@b.example");
  EXPECT_EQ(ann.subject, "For Ann");
  EXPECT_EQ(ann.text, "Dear Ann, 1 {not} {{");
  EXPECT_EQ(ann.id, "may:ann@b.example");
  auto& bob = plan.letters[1].message;
  EXPECT_EQ(bob.to.name, "Bob");
  EXPECT_EQ(bob.text, "Dear <B&b>, 2 {not} {{");
  EXPECT_EQ(bob.html, "<p>&lt;B&amp;b&gt;</p>");
  EXPECT_EQ(plan.letters[1].line, 3u);
}

TEST(bulk_plan, the_same_run_has_the_same_ids_and_another_has_others) {
  auto id = [](std::string_view csv, const std::string& subject) {
    auto m = base();
    m.subject = subject;
    return make_bulk_plan(csv, m, {}, {}).batch;
  };
  EXPECT_EQ(id("to,name,x\na@b,1,2\n", "s"), id("to,name,x\na@b,1,2\n", "s"));
  EXPECT_NE(id("to,name,x\na@b,1,2\n", "s"), id("to,name,x\na@b,1,3\n", "s"));
  EXPECT_NE(id("to,name,x\na@b,1,2\n", "s"), id("to,name,x\na@b,1,2\n", "t"));
}

TEST(bulk_plan, nothing_may_be_sent_when_anything_is_wrong) {
  for (auto [csv, says] :
       {std::pair("", "empty"),
        {"name,x\nAnn,1\n", "\"to\""},
        {"to,to,name,x\na@b,a@b,1,2\n", "two columns"},
        {"to,x\na@b,1\n", "{{name}}"},
        {"to,name,x\nnobody,1,2\n", "line 2: to"},
        {"to,name,x\na@b,1,2\na@b,3,4\n", "line 3: the same recipient"},
        {"to,name,x,id\na@b,1,2,k\nc@b,1,2,k\n", "line 3: the same id as in line 2"},
        {"to,name,x\na@b,\"1\n2\",2\n", "line 2: the subject"},
        {"to,name,x\na@b,\"1\n", "closes"}}) {
    auto plan = make_bulk_plan(csv, base(), "b", {});
    ASSERT_FALSE(plan.faults.empty()) << csv;
    EXPECT_NE(plan.faults[0].find(says), std::string::npos) << plan.faults[0];
  }
  std::string many = "to,name,x\n";
  for (int i = 0; i < 100; ++i) many += "nobody,1,2\n";
  EXPECT_EQ(make_bulk_plan(many, base(), "b", {}).faults.size(), bulk_plan::max_faults);
}

}  // namespace
}  // namespace tidewire::cli
