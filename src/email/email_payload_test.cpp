#include <tidewire/email/email_payload.hpp>

#include <gtest/gtest.h>

namespace tidewire::email {
namespace {

TEST(email_payload, a_message_comes_back_as_it_was) {
  mail::message m;
  m.id = "a b";
  m.from = {"shop@a.example", "Der \"Lädén\", \\ GmbH <x>"};
  m.to = {"ann@b.example"};
  m.cc = {{"c@c.example", "Cé"}, {"d@d.example"}};
  m.reply_to = {{"help@a.example"}};
  m.subject = "Grüße: \"x\"";
  m.text = "one\n\t\"two\"\r\n";
  m.html = "<p>🌊</p>";
  m.attachments = {{"", std::string("\0\xff\r\n", 4), "ä.bin", "a/b"}, {"/tmp/x.pdf"}};
  m.headers = {{"X-A", "b: c"}, {"X-A", "d"}};
  m.date = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  auto back = parse_payload(to_payload(m, mail::envelope{"", "other@b.example"}));
  ASSERT_EQ(back.fault, "");
  auto& n = back.message;
  EXPECT_EQ(n.id, m.id);
  EXPECT_EQ(n.from, m.from);
  EXPECT_EQ(n.to, m.to);
  EXPECT_EQ(n.cc, m.cc);
  EXPECT_EQ(n.reply_to, m.reply_to);
  EXPECT_EQ(n.subject, m.subject);
  EXPECT_EQ(n.text, m.text);
  EXPECT_EQ(n.html, m.html);
  EXPECT_EQ(n.headers, m.headers);
  EXPECT_EQ(n.date, m.date);
  ASSERT_EQ(n.attachments.size(), 2u);
  EXPECT_EQ(n.attachments[0].bytes, m.attachments[0].bytes);
  EXPECT_EQ(n.attachments[0].name, "ä.bin");
  EXPECT_EQ(n.attachments[0].type, "a/b");
  EXPECT_EQ(n.attachments[1].path, "/tmp/x.pdf");
  EXPECT_EQ(back.envelope.from, "");
  EXPECT_EQ(back.envelope.to, "other@b.example");
}

TEST(email_payload, bytes_of_every_length_survive) {
  for (std::size_t n = 0; n < 70; ++n) {
    mail::message m;
    m.attachments = {{"", std::string(n, static_cast<char>(n * 7)), "x"}};
    auto back = parse_payload(to_payload(m));
    ASSERT_EQ(back.fault, "");
    EXPECT_EQ(back.message.attachments.at(0).bytes, m.attachments[0].bytes);
  }
}

TEST(email_payload, relative_paths_become_absolute) {
  mail::message m;
  m.attachments = {{"x.pdf"}};
  auto back = parse_payload(to_payload(m));
  EXPECT_TRUE(back.message.attachments.at(0).path.starts_with('/'));
  EXPECT_TRUE(back.message.attachments.at(0).path.ends_with("/x.pdf"));
}

TEST(email_payload, as_people_write_it) {
  auto e = parse_payload(R"({"from":"The Shop <shop@a.example>","to":"ann@b.example",
      "subject":"x","text":"y","headers":{"X-A":"b"}})");
  ASSERT_EQ(e.fault, "");
  EXPECT_EQ(e.message.from.name, "The Shop");
  EXPECT_EQ(e.message.headers.at(0).second, "b");
  EXPECT_FALSE(e.envelope.from || e.envelope.to || e.message.date);
}

TEST(email_payload, what_is_no_message_is_refused_with_the_reason) {
  for (auto [bad, says] : {std::pair("", "object"),
                           {"[]", "object"},
                           {"{", "object"},
                           {R"({"too":"a@b"})", "too"},
                           {R"({"to":["a@b"]})", "to"},
                           {R"({"cc":"a@b"})", "cc"},
                           {R"({"cc":[1]})", "cc"},
                           {R"({"attachments":{}})", "attachments"},
                           {R"({"attachments":["x"]})", "attachment"},
                           {R"({"attachments":[{}]})", "path"},
                           {R"({"attachments":[{"path":"x","base64":""}]})", "either"},
                           {R"({"attachments":[{"base64":"!"}]})", "base64"},
                           {R"({"attachments":[{"base64":"ab=c"}]})", "base64"},
                           {R"({"attachments":[{"file":"x"}]})", "file"},
                           {R"({"headers":1})", "headers"},
                           {R"({"headers":["X"]})", "Name: value"},
                           {R"({"date":"now"})", "date"},
                           {R"({"date":-1})", "date"},
                           {R"({"envelope":{"cc":"x"}})", "cc"}}) {
    auto fault = parse_payload(bad).fault;
    EXPECT_NE(fault.find(says), fault.npos) << bad << ": " << fault;
  }
}

}  // namespace
}  // namespace tidewire::email
