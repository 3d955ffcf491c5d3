#include <tidewire/http/fields.hpp>

#include <gtest/gtest.h>

namespace tidewire::http {
namespace {

TEST(fields, finds_without_case_and_keeps_order) {
  fields f{{"ETag", "\"a\""}, {"Vary", "x"}, {"vary", "y"}};
  EXPECT_EQ(f.find("etag"), "\"a\"");
  EXPECT_EQ(f.find("VARY"), "x");
  EXPECT_EQ(f.joined("Vary"), "x, y");
  EXPECT_EQ(f.count("vary"), 2u);
  EXPECT_EQ(f.find("vary2"), std::nullopt);
  EXPECT_EQ(f.joined("none"), std::nullopt);
  EXPECT_EQ(f.begin()->name, "ETag");
}

TEST(fields, set_replaces_all_and_survives_its_own_name) {
  fields f{{"A", "1"}, {"b", "2"}, {"a", "3"}};
  f.set(f.begin()->name, "4");
  EXPECT_EQ(f.count("a"), 1u);
  EXPECT_EQ(f.find("a"), "4");
  f.erase(f.begin()->name);
  EXPECT_EQ(f.size(), 1u);
  EXPECT_FALSE(f.empty());
}

TEST(fields, compares_ascii_alone) {
  EXPECT_TRUE(iequals("Content-LENGTH", "content-length"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("\xc4", "\xe4"));  // no letter of ASCII, whatever the locale says
  EXPECT_FALSE(iequals("[", "{"));
}

}  // namespace
}  // namespace tidewire::http
