#include <tidewire/core/error.hpp>
#include <tidewire/core/json_text.hpp>

#include <gtest/gtest.h>

namespace tidewire {
namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

// {"k0":0,…,"k39":0} and one more at its end.
std::string many_members(const std::string& last) {
  std::string out = "{";
  for (int i = 0; i < 40; ++i) out += "\"k" + std::to_string(i) + "\":0,";
  return out + "\"" + last + "\":0}";
}

TEST(json_text, accepts_what_is_json) {
  for (std::string text :
       {"{}", " [1, -2.5e3 ,null]\n", "\"\"", "0", "true", "{\"a\":{\"a\":1},\"b\":{\"a\":2}}",
        "-9223372036854775808", "9223372036854775807", "1e308", "12345678901234567890.5",
        "\"\\ud83d\\ude00 \xf0\x9f\x98\x80\"", "[{\"a\":1},{\"a\":1}]"})
    EXPECT_TRUE(check_json(text)) << text;
  EXPECT_TRUE(check_json(nested(32)));
  EXPECT_TRUE(check_json(many_members("k40")));
}

TEST(json_text, refuses_the_rest_by_name) {
  struct row {
    std::string text;
    json_errc why;
  };
  using enum json_errc;
  for (const auto& [text, why] : std::vector<row>{
           {"", malformed},
           {"   ", malformed},
           {"{", malformed},
           {"{\"a\":1", malformed},
           {"{\"a\":1}}", malformed},
           {"{} {}", malformed},
           {"{a:1}", malformed},
           {"{'a':1}", malformed},
           {"[1,]", malformed},
           {"// c\n1", malformed},
           {"01", malformed},
           {"NaN", malformed},
           {"\"\n\"", malformed},
           {"\"\\x\"", malformed},
           {"\"\xff\"", malformed},
           {"\"\xc0\xaf\"", malformed},      // overlong
           {"\"\xed\xa0\x80\"", malformed},  // an encoded surrogate
           {"\"\\ud800\"", malformed},       // a lone one
           {"\xef\xbb\xbf{}", malformed},    // a byte order mark
           {std::string("{}\0", 3), malformed},
           {nested(33), too_deep},
           {"{\"a\":1,\"a\":2}", duplicate_key},
           {"{\"a\":1,\"\\u0061\":2}", duplicate_key},  // the same name, spelt otherwise
           {"[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]", duplicate_key},
           {many_members("k0"), duplicate_key},
           {"9223372036854775808", number_out_of_range},
           {"18446744073709551616", number_out_of_range},
           {"-9223372036854775809", number_out_of_range},
           {"[1.5,9223372036854775808]", number_out_of_range},
           {"1e400", number_out_of_range},
           {"[1e999999999999]", number_out_of_range},
       }) {
    auto checked = check_json(text);
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ(checked.error(), make_error_code(why)) << text << ": " << checked.error().message();
    EXPECT_EQ(checked.error(), condition::permanent);
  }
  EXPECT_EQ(check_json("[1,2]", {4, 32}).error(), make_error_code(too_large));
}

TEST(json_text, takes_an_object_apart_without_touching_values) {
  auto object = json_object_view::parse(
      " { \"a\" : 1.10 , \"b\\u0062\":{\"x\":[1, 2,\"}\"]}, \"\": \"q\\\"]\" ,\"n\":null} ");
  ASSERT_TRUE(object);
  ASSERT_EQ(object->members().size(), 4u);
  EXPECT_EQ(object->find("a"), "1.10");
  EXPECT_EQ(object->find("bb"), "{\"x\":[1, 2,\"}\"]}");
  EXPECT_EQ(object->find(""), "\"q\\\"]\"");
  EXPECT_EQ(object->find("n"), "null");
  EXPECT_FALSE(object->find("x"));
  EXPECT_TRUE(json_object_view::parse("{}")->members().empty());
  EXPECT_EQ(json_object_view::parse("[]").error(), make_error_code(json_errc::not_an_object));
}

TEST(json_text, finds_the_ends_of_strings_with_escapes) {
  std::string text = R"({"a\\":"\\","b":"\"}\"","c":"x\\\"","d":"\n\n\t\"\\","e\"":1})";
  auto object = json_object_view::parse(text);
  ASSERT_TRUE(object);
  ASSERT_EQ(object->members().size(), 5U);
  EXPECT_EQ(object->find("a\\"), "\"\\\\\"");
  EXPECT_EQ(json_string(*object->find("b")), "\"}\"");
  EXPECT_EQ(json_string(*object->find("c")), "x\\\"");
  EXPECT_EQ(json_string(*object->find("d")), "\n\n\t\"\\");
  EXPECT_EQ(object->find("e\""), "1");
}

TEST(json_text, reads_values_of_the_type_asked_for) {
  EXPECT_EQ(json_string("\"a\\n\\u00e9\""), "a\n\xc3\xa9");
  EXPECT_FALSE(json_string("1"));
  EXPECT_EQ(json_uint("42"), 42u);
  EXPECT_EQ(json_uint("9223372036854775807"), 9223372036854775807u);
  for (auto no : {"-1", "1.0", "1e2", "\"1\"", "null", "9223372036854775808"})
    EXPECT_FALSE(json_uint(no)) << no;
  EXPECT_EQ(json_bool("true"), true);
  EXPECT_FALSE(json_bool("1"));
  EXPECT_EQ(json_elements("[ 1, {\"a\":[2,3]} ,\"x,y\"]"),
            (std::vector<std::string_view>{"1", "{\"a\":[2,3]}", "\"x,y\""}));
  EXPECT_TRUE(json_elements("[]")->empty());
  EXPECT_FALSE(json_elements("{}"));
}

TEST(json_text, writes_strings_that_read_back) {
  std::string hard = std::string("\0\x01\x1f\"\\/\x7f", 7) + "\xe2\x80\xa8 </script>";
  std::string out;
  append_json_string(out, hard);
  EXPECT_TRUE(check_json(out));
  EXPECT_EQ(json_string(out), hard);
}

}  // namespace
}  // namespace tidewire
