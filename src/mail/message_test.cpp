// What is refused before anything is sent, and the text that a good message becomes. The MIME
// itself is read back by another library in test/integration/mail_peer_test.py.
#include <tidewire/core/error.hpp>
#include <tidewire/mail/error.hpp>
#include <tidewire/mail/message.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace tidewire::mail {
namespace {

using std::chrono::system_clock;

message sample() {
  message m;
  m.id = "task-1";
  m.from = {"shop@a.example", "The Shop"};
  m.to = "you@b.example";
  m.subject = "hello";
  m.text = "hi\n";
  return m;
}

system_clock::time_point noon() {
  return system_clock::time_point(std::chrono::seconds(1'700'000'000));
}

std::string text_of(const message& m) {
  auto made = compose(m, noon());
  EXPECT_FALSE(made.fault) << made.fault.text;
  return made.text;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(message, what_can_not_be_sent_is_refused_with_the_reason) {
  struct {
    const char* says;
    std::function<void(message&)> spoil;
  } cases[] = {
      {"id", [](auto& m) { m.id.clear(); }},
      {"id", [](auto& m) { m.id.assign(513, 'x'); }},
      {"from", [](auto& m) { m.from.email = "nobody"; }},
      {"to", [](auto& m) { m.to.email = "a@b\r\nBcc: x@y"; }},
      {"cc",
       [](auto& m) {
         m.cc = {"a@b", "c"};
       }},
      {"reply-to", [](auto& m) { m.reply_to = {"@"}; }},
      {"name", [](auto& m) { m.from.name = "a\nBcc: x@y"; }},
      {"name", [](auto& m) { m.to.name = "\xff"; }},
      {"subject", [](auto& m) { m.subject = "a\r\nBcc: x@y"; }},
      {"subject", [](auto& m) { m.subject = std::string("a\0b", 3); }},
      {"subject", [](auto& m) { m.subject = "\xc3"; }},
      {"subject", [](auto& m) { m.subject.assign(2001, 'x'); }},
      {"text", [](auto& m) { m.text = "\xed\xa0\x80"; }},
      {"HTML", [](auto& m) { m.html = "\xff"; }},
      {"nothing to send", [](auto& m) { m.text.clear(); }},
      {"header X-A",
       [](auto& m) {
         m.headers = {{"X-A", "b\r\nBcc: x@y"}};
       }},
      {"name",
       [](auto& m) {
         m.headers = {{"X A", "b"}};
       }},
      {"name",
       [](auto& m) {
         m.headers = {{"X:", "b"}};
       }},
      {"own",
       [](auto& m) {
         m.headers = {{"bCC", "x@y"}};
       }},
      {"own",
       [](auto& m) {
         m.headers = {{"Content-Type", "text/html"}};
       }},
      {"own",
       [](auto& m) {
         m.headers = {{"message-id", "<a@b>"}};
       }},
      {"headers",
       [](auto& m) {
         m.headers.assign(101, {"X", "y"});
       }},
      {"addresses", [](auto& m) { m.cc.assign(101, "a@b"); }},
      {"name",
       [](auto& m) {
         m.attachments = {{"", "x", ""}};
       }},
      {"name",
       [](auto& m) {
         m.attachments = {{"", "x", "a\r\nb"}};
       }},
      {"type",
       [](auto& m) {
         m.attachments = {{"", "x", "a", "pdf"}};
       }},
      {"type",
       [](auto& m) {
         m.attachments = {{"", "x", "a", "a/b\r\nX: y"}};
       }},
      {"type",
       [](auto& m) {
         m.attachments = {{"", "x", "a", "multipart/mixed"}};
       }},
      {"attachments",
       [](auto& m) {
         m.attachments.assign(101, {"", "x", "a"});
       }},
  };
  for (auto& [says, spoil] : cases) {
    auto m = sample();
    spoil(m);
    auto fault = check(m);
    EXPECT_EQ(fault.error, errc::invalid_message) << says;
    EXPECT_TRUE(fault.error == condition::permanent);
    EXPECT_TRUE(holds(fault.text, says)) << fault.text << " should say " << says;
    EXPECT_EQ(compose(m, noon()).fault.error, errc::invalid_message);
  }
}

TEST(message, is_bounded) {
  auto m = sample();
  message_limits small;
  small.message_bytes = 1000;
  EXPECT_FALSE(compose(m, noon(), small).fault);
  m.text.assign(1001, 'x');
  EXPECT_EQ(check(m, small).error, errc::too_large);
  // Base64 makes it larger than it looks.
  m.text.assign(10, 'x');
  m.attachments = {{"", std::string(900, 'x'), "a"}};
  EXPECT_FALSE(check(m, small));
  EXPECT_EQ(compose(m, noon(), small).fault.error, errc::too_large);
}

TEST(message, an_attachment_that_can_not_be_read_is_named) {
  auto m = sample();
  m.attachments = {{"/nowhere/at/all.pdf", "", ""}};
  auto made = compose(m, noon());
  EXPECT_EQ(made.fault.error, errc::attachment_unreadable);
  EXPECT_TRUE(holds(made.fault.text, "/nowhere/at/all.pdf"));
  m.attachments = {{"/", "", "x"}};
  EXPECT_EQ(compose(m, noon()).fault.error, errc::attachment_unreadable);
}

TEST(message, a_plain_one) {
  auto text = text_of(sample());
  for (std::string line : {"From: The Shop <shop@a.example>\r\n", "To: you@b.example\r\n",
                           "Subject: hello\r\n", "Message-Id: <task-1@a.example>\r\n",
                           "MIME-Version: 1.0\r\n", "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"})
    EXPECT_TRUE(holds(text, line)) << line << text;
  EXPECT_TRUE(text.ends_with("\r\n\r\nhi\r\n")) << text;
}

TEST(message, the_same_arguments_give_the_same_bytes) {
  auto m = sample();
  m.html = "<p>hi</p>";
  m.attachments = {{"", "bytes", "a.bin"}};
  m.date = noon();
  EXPECT_EQ(compose(m, noon()).text, compose(m, noon() + std::chrono::hours(1)).text);
}

TEST(message, is_seven_bit_with_crlf_and_short_lines_whatever_it_says) {
  auto m = sample();
  m.subject = std::string("Grüße ") + std::string(300, 'x') + " 你好";
  m.from.name = "Zoë \"Z\" Ünal, Ltd.";
  m.text = "From here\r\n.\rä\n" + std::string(5000, 'y') + std::string("\0\x01", 2);
  m.html = "<p>\xf0\x9f\x8c\x8a</p>\n..\n";
  m.headers = {{"X-Note", "naïve"}};
  m.attachments = {{"", std::string("\0\r\n.\r\n\xff", 7), "Müller – Bericht.pdf"}};
  auto text = text_of(m);
  std::size_t line = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    ASSERT_LT(byte, 0x80);
    ASSERT_NE(byte, 0);
    ASSERT_TRUE(byte != '\n' || (i > 0 && text[i - 1] == '\r'));
    ASSERT_TRUE(byte != '\r' || (i + 1 < text.size() && text[i + 1] == '\n'));
    line = byte == '\n' ? 0 : line + 1;
    ASSERT_LE(line, 998u);
  }
}

TEST(message, ids_are_stable_and_harmless) {
  EXPECT_EQ(message_id("abc-1_2", "me@A.example"), "<abc-1_2@a.example>");
  for (std::string odd :
       std::vector<std::string>{"a b", "a>\r\nX: y", "ä", "a@b", ".", std::string(65, 'a')}) {
    auto id = message_id(odd, "me@a.example");
    EXPECT_EQ(id, message_id(odd, "me@a.example"));
    EXPECT_EQ(id.size(), std::string("<@a.example>").size() + 40) << id;
  }
  EXPECT_NE(message_id("a b", "me@a"), message_id("a c", "me@a"));
}

}  // namespace
}  // namespace tidewire::mail
