#include <tidewire/core/error.hpp>
#include <tidewire/realtime/frame.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace tidewire::realtime {
namespace {

using namespace std::chrono_literals;

TEST(frame, reads_what_it_writes) {
  message_frame message{"room", "e1", 42, "c7:19", "2026-01-02T03:04:05.678Z", "", "{\"a\": 1.10}"};
  message_frame signed_one = message;
  signed_one.user = "Zo\xc3\xab \"z\"";
  hello_frame hello{"c7", {{"room", {"e1", 41}}, {"all", {{}, 0}}, {"new", {}}}, "secret"};
  welcome_frame welcome{{{"room", {"e1", true, 57}}, {"all", {"e2", false, 0}}}, 25s};
  std::vector<frame> all{hello,
                         hello_frame{"c", {}, ""},
                         welcome,
                         message,
                         signed_one,
                         publish_frame{"c7:20", "room", "null"},
                         publish_frame{"c7:21", "room", "null", true},
                         ack_frame{"c7:20", 58, true},
                         nack_frame{"c7:20", "rate", 250ms},
                         nack_frame{"c7:20", "too_large", {}},
                         reset_frame{"room", "e2", 0, reset_reason::epoch},
                         reset_frame{"room", "e2", 9, reset_reason::trimmed},
                         bye_frame{"drain", 1500ms},
                         bye_frame{"", {}},
                         ping_frame(),
                         pong_frame()};
  for (const auto& f : all) {
    auto text = encode_frame(f);
    auto again = decode_frame(text);
    ASSERT_TRUE(again) << text << ": " << again.error().message();
    EXPECT_EQ(*again, f) << text;
  }
}

TEST(frame, writes_what_the_documentation_shows) {
  hello_frame hello{"c7", {{"room", {"e1", 41}}}, "t"};
  EXPECT_EQ(encode_frame(frame(hello)),
            R"({"t":"hello","v":1,"client":"c7","channels":{"room":{"epoch":"e1","since":41}},)"
            R"("token":"t"})");
  welcome_frame welcome{{{"room", {"e1", true, 57}}}, 25s};
  EXPECT_EQ(encode_frame(frame(welcome)),
            R"({"t":"welcome","channels":{"room":{"epoch":"e1","recovered":true,"head":57}},)"
            R"("ping_ms":25000})");
  message_frame message{"room", "e1", 42, "c7:19", "T", "", "{}"};
  EXPECT_EQ(encode_frame(message),
            R"({"t":"msg","ch":"room","epoch":"e1","off":42,"id":"c7:19","ts":"T","d":{}})");
  EXPECT_EQ(encode_frame(frame(reset_frame{"room", "e2", 0, reset_reason::epoch})),
            R"({"t":"reset","ch":"room","epoch":"e2","head":0,"why":"epoch"})");
  EXPECT_EQ(encode_frame(frame(ack_frame{"c7:20", 58, false})),
            R"({"t":"ack","id":"c7:20","off":58,"dup":false})");
}

TEST(frame, ignores_members_of_later_versions) {
  auto read = decode_frame(R"({"t":"ack","id":"a","off":1,"dup":false,"new":{"x":[1]}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<ack_frame>(*read), (ack_frame{"a", 1, false}));
}

TEST(frame, cuts_a_delay_to_a_day) {
  auto read = decode_frame(R"({"t":"bye","why":"x","retry_ms":9223372036854775807})");
  EXPECT_EQ(std::get<bye_frame>(*read).retry, 24h);
}

std::string publish_of(const std::string& data) {
  return R"({"t":"pub","id":"a","ch":"room","d":)" + data + "}";
}

TEST(frame, refuses_the_rest_by_name) {
  struct row {
    std::string text;
    error_code why;
  };
  using enum frame_errc;
  auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  auto sized = [](std::size_t n) { return '"' + std::string(n - 2, 'x') + '"'; };
  EXPECT_TRUE(decode_frame(publish_of(nested(max_payload_depth))));
  EXPECT_TRUE(decode_frame(publish_of(sized(max_payload_bytes))));
  std::string many = R"({"t":"hello","client":"c","channels":{)";
  for (std::size_t i = 0; i <= max_channels_per_hello; ++i)
    many += (i ? ",\"" : "\"") + std::to_string(i) + "\":{}";
  std::vector<row> rows{
      {"", json_errc::malformed},
      {"hello", json_errc::malformed},
      {R"({"t":"ping")", json_errc::malformed},
      {"{\"t\":\"p\xff\"}", json_errc::malformed},
      {"[]", json_errc::not_an_object},
      {R"({"t":"ping","t":"pong"})", json_errc::duplicate_key},
      {publish_of(R"({"a":1,"a":2})"), json_errc::duplicate_key},
      {publish_of(nested(max_payload_depth + 1)), json_errc::too_deep},
      {publish_of("9223372036854775808"), json_errc::number_out_of_range},
      {publish_of(sized(max_payload_bytes + 1)), payload_too_large},
      {publish_of(sized(max_frame_bytes)), json_errc::too_large},
      {"{}", bad_member},
      {R"({"t":1})", bad_member},
      {R"({"t":"ack "})", unknown_type},
      {R"({"t":"PING"})", unknown_type},
      {R"({"t":"hello","v":2,"client":"c","channels":{}})", unsupported_version},
      {R"({"t":"hello","v":"1","client":"c","channels":{}})", bad_member},
      {R"({"t":"hello","channels":{}})", bad_member},
      {R"({"t":"hello","client":"","channels":{}})", bad_member},
      {R"({"t":"hello","client":"c"})", bad_member},
      {R"({"t":"hello","client":"c","channels":["room"]})", bad_member},
      {R"({"t":"hello","client":"c","channels":{"room":7}})", bad_member},
      {R"({"t":"hello","client":"c","channels":{"":{}}})", bad_member},
      {R"({"t":"hello","client":"c","channels":{"a\u0000b":{}}})", bad_member},
      {R"({"t":"hello","client":"c","channels":{"room":{"epoch":"e"}}})", bad_member},
      {R"({"t":"hello","client":"c","channels":{"room":{"since":-1}}})", bad_member},
      {R"({"t":"hello","client":"c","channels":{"room":{"since":1.0}}})", bad_member},
      {R"({"t":"hello","client":"c","channels":{},"token":")" + std::string(5000, 't') + "\"}",
       bad_member},
      {many + "}}", bad_member},
      {R"({"t":"pub","ch":"room","d":1})", bad_member},
      {R"({"t":"pub","id":"a","d":1})", bad_member},
      {R"({"t":"pub","id":"a","ch":"room"})", bad_member},
      {R"({"t":"pub","id":")" + std::string(129, 'a') + R"(","ch":"room","d":1})", bad_member},
      {R"({"t":"msg","ch":"r","epoch":"e","off":0,"id":"a","d":1})", bad_member},
      {R"({"t":"ack","id":"a","off":1})", bad_member},
      {R"({"t":"nack","id":"a"})", bad_member},
      {R"({"t":"nack","id":"a","why":"x","retry_ms":-5})", bad_member},
      {R"({"t":"reset","ch":"r","epoch":"e","head":0,"why":"other"})", bad_member},
  };
  for (const auto& [text, why] : rows) {
    std::string detail;
    auto read = decode_frame(text, &detail);
    ASSERT_FALSE(read) << text.substr(0, 200);
    EXPECT_EQ(read.error(), why) << text.substr(0, 200) << ": " << read.error().message();
    EXPECT_FALSE(detail.empty());
    EXPECT_EQ(read.error(), condition::permanent);
  }
}

TEST(frame, knows_names) {
  EXPECT_TRUE(is_name("room"));
  EXPECT_TRUE(is_name("user:Zo\xc3\xab"));
  EXPECT_TRUE(is_name(std::string(128, 'x')));
  for (auto bad : {std::string(), std::string(129, 'x'), std::string("a\nb"),
                   std::string("a\0b", 3), std::string("\x7f"), std::string("\xff")})
    EXPECT_FALSE(is_name(bad));
}

}  // namespace
}  // namespace tidewire::realtime
