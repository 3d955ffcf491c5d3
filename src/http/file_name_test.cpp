#include "http/parse_test_support.hpp"

#include <tidewire/http/file_name.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace tidewire::http {
namespace {

TEST(disposition, plain_and_quoted) {
  EXPECT_EQ(disposition_file_name("attachment; filename=a.txt"), "a.txt");
  EXPECT_EQ(disposition_file_name("attachment;FileName=\"a b.txt\""), "a b.txt");
  EXPECT_EQ(disposition_file_name("inline ; x=y; filename = \"a\\\"b;c\" ; z=1"), "a\"b;c");
  EXPECT_EQ(disposition_file_name("attachment; filename=my file.txt; x=1"), "my file.txt");
  EXPECT_EQ(disposition_file_name("attachment; filename=\"../../etc/passwd\""), "../../etc/passwd");
}

TEST(disposition, extended_goes_first) {
  EXPECT_EQ(disposition_file_name("attachment; filename=e.txt; filename*=UTF-8''%e2%82%ac.txt"),
            "\xe2\x82\xac.txt");
  EXPECT_EQ(disposition_file_name("attachment; filename*=utf-8'en'a%20b; filename=c"), "a b");
  // What can't be read falls back.
  for (auto bad : {"ISO-8859-1''a", "UTF-8''%e", "UTF-8''%zz", "UTF-8'x", "UTF-8", "''x", ""})
    EXPECT_EQ(disposition_file_name(std::string("a; filename*=") + bad + "; filename=c"), "c")
        << bad;
}

TEST(disposition, malformed_or_absent) {
  for (auto text : {"", "attachment", "attachment;", ";filename=a", "attachment filename=a",
                    "attachment; filename", "attachment; filename=\"a", "attachment; =a",
                    "attachment; filename=\"a\\", "attachment; filename=\"a\" b"})
    EXPECT_FALSE(disposition_file_name(text)) << text;
}

TEST(safe_name, ordinary_names_stay) {
  for (auto name : {"a", "a.tar.gz", "r\xc3\xa9sum\xc3\xa9 (1).pdf", "-x", "\xf0\x9f\x8c\x8a.png"})
    EXPECT_EQ(safe_file_name(name), name);
}

TEST(safe_name, hostile_names) {
  EXPECT_EQ(safe_file_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(safe_file_name("%2e%2e/x"), "x");
  EXPECT_EQ(safe_file_name("/etc/shadow"), "shadow");
  EXPECT_EQ(safe_file_name("C:\\Windows\\evil.exe"), "evil.exe");
  EXPECT_EQ(safe_file_name("a/..\\b\\../c"), "c");
  EXPECT_EQ(safe_file_name(std::string_view("a\0b", 3)), "a_b");
  EXPECT_EQ(safe_file_name("a\x1b[31mb\x7f\n"), "a_[31mb__");
  EXPECT_EQ(safe_file_name("a\xc2\x9b"
                           "31m"),
            "a_31m");                                              // C1 CSI
  EXPECT_EQ(safe_file_name("a\xe2\x80\xaetxt.exe"), "a_txt.exe");  // right-to-left override
  EXPECT_EQ(safe_file_name("a\xff\xc0\xaf\xed\xa0\x80z"), "a______z");
  EXPECT_EQ(safe_file_name("\xc3"), "_");
  EXPECT_EQ(safe_file_name(".bashrc"), "bashrc");
  EXPECT_EQ(safe_file_name(" . .hidden . ."), "hidden");
}

TEST(safe_name, nothing_left) {
  for (auto name : {"", ".", "..", "...", "/", "a/", "../", "\\", " ", " . "})
    EXPECT_EQ(safe_file_name(name), "") << name;
}

TEST(safe_name, long_names_are_cut_at_a_code_point) {
  EXPECT_EQ(safe_file_name(std::string(300, 'x')), std::string(200, 'x'));
  std::string euros(1, 'x');
  for (int i = 0; i < 100; ++i) euros += "\xe2\x82\xac";
  EXPECT_EQ(safe_file_name(euros), euros.substr(0, 199));
  EXPECT_EQ(safe_file_name(std::string(199, 'x') + "..y"), std::string(199, 'x'));
}

TEST(safe_name, any_bytes_give_a_safe_name) {
  rng random(7);
  for (int i = 0; i < 50'000; ++i) {
    auto text = testing::mutate("a; filename*=UTF-8''%2e%2e%2fx.\xe2\x82\xac; filename=\"../y\"",
                                "./\\ %\"';=*\x1b\xe2\x80\xae", random);
    auto raw = disposition_file_name(text);
    for (auto& name : {raw.value_or(""), text}) {
      auto safe = safe_file_name(name);
      EXPECT_LE(safe.size(), 200u);
      EXPECT_EQ(safe.find_first_of("/\\"), std::string::npos);
      EXPECT_FALSE(safe.starts_with('.') || safe.ends_with('.') || safe.ends_with(' '));
      EXPECT_TRUE(std::none_of(safe.begin(), safe.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      }));
      EXPECT_EQ(safe_file_name(safe), safe);
    }
  }
}

}  // namespace
}  // namespace tidewire::http
