#include <tidewire/mail/address.hpp>

#include <gtest/gtest.h>

namespace tidewire::mail {
namespace {

TEST(address, accepts_what_the_grammar_allows) {
  for (std::string good :
       {"a@b", "ann.lee+news@example.org", "\"ann lee\"@example.org", "\"a\\\"b\"@example.org",
        "o'hara@example.org", "a@xn--bcher-kva.example", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]"})
    EXPECT_EQ(check_email(good), "") << good;
  EXPECT_EQ(check_email(std::string(64, 'a') + "@b"), "");
}

TEST(address, refuses_the_rest_and_says_why) {
  for (std::string bad :
       {"",           "a",     "@b",   "a@",      "a b@c", ".a@b",  "a.@b",  "a..b@c",
        "a@b..c",     "a@.b",  "a@b.", "a@-b",    "a@b-",  "a@b c", "a@b@c", "\"a@b",
        "\"a\"b\"@c", "<a@b>", "a@[]", "a@[1 2]", "a,b@c", "a@b>",  "a@b_c"})
    EXPECT_NE(check_email(bad), "") << bad;
  EXPECT_NE(check_email(std::string(65, 'a') + "@b"), "");
  EXPECT_NE(check_email("a@" + std::string(64, 'b')), "");
  std::string long_domain = "a@b";
  while (long_domain.size() < 255) long_domain += ".bcd";
  EXPECT_NE(check_email(long_domain), "");
  EXPECT_NE(check_email("ä@example.org").find("ASCII"), std::string::npos);
}

TEST(address, no_octet_can_end_the_command_early) {
  for (int c = 0; c < 256; ++c) {
    if (c > ' ' && c < 0x7f) continue;
    for (std::string bad :
         {std::string("a") + static_cast<char>(c) + "@b", std::string("a@b") + static_cast<char>(c),
          static_cast<char>(c) + std::string("a@b")})
      EXPECT_NE(check_email(bad), "") << c;
  }
  EXPECT_NE(check_email("\"a\r\nRCPT TO:<x@y>\"@b"), "");
  EXPECT_NE(check_email(std::string("a@b\0c", 5)), "");
}

TEST(address, domains_are_compared_in_lower_case) {
  EXPECT_EQ(domain_of("a@Example.ORG"), "example.org");
  EXPECT_EQ(domain_of("\"a@x\"@b"), "b");
  EXPECT_EQ(domain_of("a"), "");
}

TEST(address, is_read_as_people_type_it) {
  EXPECT_EQ(parse_address("a@b"), address("a@b"));
  EXPECT_EQ(parse_address(" <a@b> "), address("a@b"));
  EXPECT_EQ(parse_address("Ann Lee <a@b>"), address("a@b", "Ann Lee"));
  EXPECT_EQ(parse_address("\"Lee, \\\"Ann\\\"\" <a@b>"), address("a@b", "Lee, \"Ann\""));
  EXPECT_EQ(parse_address("\"Zoë\" <a@b>"), address("a@b", "Zoë"));
  EXPECT_EQ(parse_address("a@b>").email, "a@b>");  // for check_email() to refuse
}

}  // namespace
}  // namespace tidewire::mail
