#include "mail/smtp_dialogue.hpp"

#include "mail/dial_watch.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tidewire::mail {
namespace {

letter sample() {
  return {"me@a.example", "you@b.example", stuffed("Subject: x\r\n\r\nhello\r\n")};
}

smtp_reply says(unsigned code) {
  return {code, std::to_string(code / 100) + ".0.0 said"};
}

// The good answer of each step, and the phase that it answers.
struct step {
  phase at;
  unsigned good;
};
const std::vector<step> steps{
    {phase::mail, 250}, {phase::rcpt, 250}, {phase::data, 354}, {phase::final_dot, 250}};

// A dialogue that has come to step `n` and has sent what stands there.
smtp_dialogue at_step(const letter& l, std::size_t n) {
  smtp_dialogue d(l, false, false);
  for (std::size_t i = 0; i < n; ++i) {
    d.sent();
    d.take(says(steps[i].good));
  }
  d.sent();
  return d;
}

TEST(stuffed, dots_that_begin_a_line_are_doubled) {
  EXPECT_EQ(stuffed(""), ".\r\n");
  EXPECT_EQ(stuffed("a\r\n"), "a\r\n.\r\n");
  EXPECT_EQ(stuffed("a"), "a\r\n.\r\n");
  EXPECT_EQ(stuffed(".\r\n..\r\na.b\r\n.c"), "..\r\n...\r\na.b\r\n..c\r\n.\r\n");
}

TEST(smtp_dialogue, goes_through_its_commands) {
  auto l = sample();
  smtp_dialogue d(l, true, false);
  EXPECT_EQ(d.output(), "MAIL FROM:<me@a.example> SIZE=" + std::to_string(l.data.size()) + "\r\n");
  d.sent();
  d.take(says(250));
  EXPECT_EQ(d.output(), "RCPT TO:<you@b.example>\r\n");
  d.sent();
  d.take(says(251));
  EXPECT_EQ(d.output(), "DATA\r\n");
  d.sent();
  d.take(says(354));
  EXPECT_EQ(d.output(), l.data);
  EXPECT_EQ(d.at(), phase::body);
  d.sent();
  EXPECT_EQ(d.at(), phase::final_dot);
  EXPECT_FALSE(d.end());
  d.take(says(250));
  ASSERT_TRUE(d.end());
  EXPECT_EQ(classify_smtp(*d.end()), outcome::accepted);
}

TEST(smtp_dialogue, without_size_and_with_the_null_sender) {
  auto l = sample();
  l.sender.clear();
  smtp_dialogue d(l, false, false);
  EXPECT_EQ(d.output(), "MAIL FROM:<>\r\n");
}

TEST(smtp_dialogue, every_answer_in_every_step) {
  auto l = sample();
  for (std::size_t n = 0; n < steps.size(); ++n)
    for (unsigned code = 100; code < 600; ++code) {
      auto d = at_step(l, n);
      ASSERT_EQ(d.at(), steps[n].at);
      d.take(says(code));
      bool good = steps[n].at == phase::data ? code == 354 : code / 100 == 2;
      bool goes_on = good && n + 1 < steps.size();
      EXPECT_EQ(d.end().has_value(), !goes_on) << to_string(steps[n].at) << " " << code;
      if (!d.end()) continue;
      EXPECT_EQ(d.end()->at, steps[n].at);
      EXPECT_EQ(d.end()->code, code);
      EXPECT_EQ(d.last_reply().code, code);
    }
}

TEST(smtp_dialogue, lost_in_every_step) {
  auto l = sample();
  for (std::size_t n = 0; n < steps.size(); ++n) {
    auto d = at_step(l, n);
    d.lost();
    bool all_sent = steps[n].at == phase::final_dot;
    EXPECT_EQ(classify_smtp(*d.end()), all_sent ? outcome::unknown : outcome::retry);
  }
  auto d = at_step(l, 2);
  d.take(says(354));
  d.lost();  // the message went out in part
  EXPECT_EQ(d.end()->at, phase::body);
  EXPECT_EQ(classify_smtp(*d.end()), outcome::retry);
}

TEST(smtp_dialogue, a_server_that_answers_before_the_final_dot_has_not_taken_it) {
  auto l = sample();
  for (unsigned code : {250u, 451u, 552u}) {
    auto d = at_step(l, 2);
    d.take(says(354));
    d.take(says(code));
    ASSERT_TRUE(d.end());
    EXPECT_EQ(d.end()->at, phase::body);
    EXPECT_EQ(classify_smtp(*d.end()), code == 552 ? outcome::discard : outcome::retry);
  }
}

TEST(smtp_dialogue, resets_first_after_a_refused_letter) {
  auto l = sample();
  smtp_dialogue d(l, false, true);
  EXPECT_EQ(d.output(), "RSET\r\n");
  d.sent();
  d.take(says(250));
  EXPECT_EQ(d.output(), "MAIL FROM:<me@a.example>\r\n");
  smtp_dialogue refused(l, false, true);
  refused.take(says(503));
  EXPECT_EQ(classify_smtp(*refused.end()), outcome::retry) << "it says nothing about this letter";
  EXPECT_EQ(refused.end()->at, phase::mail);
}

TEST(dial_watch, knows_the_step_and_its_answer) {
  dial_watch w;
  EXPECT_EQ(w.at(), phase::greeting);
  w.received("220 hello\r\n");
  w.sent("EHLO me\r\n");
  EXPECT_EQ(w.at(), phase::ehlo);
  EXPECT_EQ(w.reply().code, 0u) << "that of the greeting is past";
  w.received("250-server\r\n");
  w.received("250-size 1000\r\n");
  EXPECT_EQ(w.reply().code, 0u) << "it is not whole";
  w.received("250 AUTH PLAIN\r\n");
  EXPECT_TRUE(w.size_offered());
  w.sent("STARTTLS\r\n");
  EXPECT_EQ(w.at(), phase::starttls);
  w.received("220 go\r\n");
  w.sent("EHLO me\r\n");
  EXPECT_FALSE(w.size_offered()) << "what was said before the encryption does not count";
  w.received("250 AUTH PLAIN\r\n");
  w.sent("AUTH PLAIN\r\n");
  w.received("334 \r\n");
  w.sent("QUIT\r\n");
  EXPECT_TRUE(w.quitting());
}

TEST(dial_watch, secrets_are_no_commands) {
  dial_watch w;
  w.sent("AUTH LOGIN\r\n");
  w.received("334 VXNlcm5hbWU6\r\n");
  w.sent("EHLO\r\n");  // base64 may look like anything
  EXPECT_EQ(w.at(), phase::auth);
  EXPECT_FALSE(w.logged_in());
  w.received("235 ok\r\n");
  EXPECT_TRUE(w.logged_in());
}

TEST(dial_watch, the_answer_to_quit_is_not_why_it_failed) {
  dial_watch w;
  w.sent("AUTH PLAIN AGEAYg==\r\n");
  w.received("535 5.7.8 no\r\n");
  w.sent("QUIT\r\n");
  w.received("221 bye\r\n");
  EXPECT_EQ(w.reply().code, 535u);
  EXPECT_EQ(w.at(), phase::auth);
}

}  // namespace
}  // namespace tidewire::mail
