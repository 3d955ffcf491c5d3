#include "http/parse_test_support.hpp"

#include <tidewire/http/digest.hpp>

#include <gtest/gtest.h>

namespace tidewire::http {
namespace {

sha256_digest hash(std::string_view text) {
  sha256_hasher h;
  h.update(std::as_bytes(std::span(text)));
  return h.finish();
}

constexpr auto empty_hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr auto abc_hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr auto abc_field = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";

TEST(digest, known_values) {
  EXPECT_EQ(hash("").hex(), empty_hex);
  EXPECT_EQ(hash("abc").hex(), abc_hex);
  EXPECT_EQ(hash("abc").field_value(), abc_field);
  sha256_hasher parts;
  for (char c : std::string("abc")) parts.update(std::as_bytes(std::span(&c, 1)));
  auto moved = std::move(parts);
  EXPECT_EQ(moved.finish().hex(), abc_hex);
}

TEST(digest, hex) {
  EXPECT_EQ(sha256_digest::from_hex(abc_hex), hash("abc"));
  std::string upper(abc_hex);
  for (auto& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(sha256_digest::from_hex(upper), hash("abc"));
  std::string text(abc_hex);
  EXPECT_FALSE(sha256_digest::from_hex(text.substr(1)));
  EXPECT_FALSE(sha256_digest::from_hex(text + "0"));
  EXPECT_FALSE(sha256_digest::from_hex(" " + text.substr(1)));
  EXPECT_FALSE(sha256_digest::from_hex("g" + text.substr(1)));
  EXPECT_FALSE(sha256_digest::from_hex(""));
}

TEST(digest, field_among_others) {
  std::string own(abc_field);
  auto value = hash("abc");
  for (auto text : {own, "md5=:AAAA:, " + own, own + ",sha-512=:AAAA:", own + ";x=1;y, a=?1",
                    "a, b;q=\"x,\\\"y\", c=(1 2 \"z\");p, d=tok/en:x, e=-1.5,\t" + own,
                    "sha-256=:" + std::string(43, 'A') + "=:, " + own,
                    std::string("sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0:")})
    EXPECT_EQ(parse_digest_field(text), value) << text;
}

TEST(digest, field_malformed_or_absent) {
  std::string own(abc_field);
  for (auto text : {std::string(),
                    std::string("sha-256"),
                    std::string("sha-256="),
                    std::string("sha-256=:"),
                    std::string("sha-256=::"),
                    std::string("sha-256=:AAAA:"),
                    std::string("sha-256=1"),
                    std::string("sha-256=(:AAAA:)"),
                    std::string("sha-256=\"x\""),
                    std::string("md5=:AAAA:"),
                    own + ",",
                    own + " x",
                    "," + own,
                    "SHA-256" + own.substr(7),
                    own.substr(0, own.size() - 1),
                    own + ", a=(1",
                    own + ", b=\"",
                    own + ", c=:",
                    own + ", 1=2",
                    own + ",, a",
                    own + ";",
                    own + ", sha-256=:AAAA:",
                    "sha-256=:!" + own.substr(10)})
    EXPECT_FALSE(parse_digest_field(text)) << text;
}

TEST(digest, any_bytes_are_handled) {
  rng random(6);
  int accepted = 0;
  auto seed = std::string("md5=:AA==:;a=1, b=(1 \"x\"), ") + abc_field;
  for (int i = 0; i < 50'000; ++i) {
    auto digest = parse_digest_field(testing::mutate(seed, ":=,;()\"\\ aA1?-", random));
    if (!digest) continue;
    ++accepted;
    EXPECT_EQ(parse_digest_field(digest->field_value()), digest);
    EXPECT_EQ(sha256_digest::from_hex(digest->hex()), digest);
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace tidewire::http
