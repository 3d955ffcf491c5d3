#include <tidewire/mail/send_result.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace tidewire::mail {
namespace {

const std::vector<phase> phases{phase::none, phase::connect,  phase::tls,  phase::greeting,
                                phase::ehlo, phase::starttls, phase::auth, phase::mail,
                                phase::rcpt, phase::data,     phase::body, phase::final_dot};

// The table of docs/mail.md, read off in its words: everything is covered, for every phase and
// code.
outcome expected(phase at, unsigned code, bool permanent) {
  bool asks_for_login = code == 530 || code == 534 || code == 535 || code == 538;
  if (code >= 400 && code <= 499) return outcome::retry;
  if (at == phase::final_dot) {
    if (code >= 200 && code <= 299) return outcome::accepted;
    return code >= 500 && code <= 599 ? outcome::discard : outcome::unknown;
  }
  bool session = at < phase::mail;
  if (code >= 500 && code <= 599)
    return session || asks_for_login ? outcome::refused : outcome::discard;
  return code == 0 && permanent ? outcome::refused : outcome::retry;
}

TEST(classify_smtp, says_what_the_table_says_in_every_phase_for_every_code) {
  for (auto at : phases)
    for (unsigned code = 0; code < 1000; ++code)
      for (bool permanent : {false, true})
        EXPECT_EQ(classify_smtp({at, code, permanent}), expected(at, code, permanent))
            << to_string(at) << " " << code << " " << permanent;
}

TEST(classify_smtp, loses_nothing) {
  for (auto at : phases) {
    // A message is accepted only by an answer to its final dot, and given up only by a 5xx.
    for (unsigned code = 0; code < 1000; ++code) {
      auto what = classify_smtp({at, code, false});
      bool answers_the_dot = at == phase::final_dot;
      EXPECT_TRUE(what != outcome::accepted || answers_the_dot);
      EXPECT_TRUE(what != outcome::unknown || answers_the_dot);
      EXPECT_TRUE(what != outcome::discard || code / 100 == 5);
    }
    // A lost connection is unknown exactly when the final dot may have arrived.
    EXPECT_EQ(classify_smtp({at, 0, false}) == outcome::unknown, at == phase::final_dot);
  }
}

TEST(classify_smtp, some_that_people_know) {
  EXPECT_EQ(classify_smtp({phase::final_dot, 250, false}), outcome::accepted);
  EXPECT_EQ(classify_smtp({phase::rcpt, 550, false}), outcome::discard);
  EXPECT_EQ(classify_smtp({phase::rcpt, 450, false}), outcome::retry);
  EXPECT_EQ(classify_smtp({phase::auth, 535, false}), outcome::refused);
  EXPECT_EQ(classify_smtp({phase::mail, 530, false}), outcome::refused);
  EXPECT_EQ(classify_smtp({phase::greeting, 554, false}), outcome::refused);
  EXPECT_EQ(classify_smtp({phase::final_dot, 552, false}), outcome::discard);
  EXPECT_EQ(classify_smtp({phase::final_dot, 421, false}), outcome::retry);
  EXPECT_EQ(classify_smtp({phase::connect, 0, false}), outcome::retry);
  EXPECT_EQ(classify_smtp({phase::tls, 0, true}), outcome::refused);
}

TEST(classify_smtp, names_are_all_different) {
  std::vector<std::string> names;
  for (auto at : phases) {
    for (auto& other : names) EXPECT_NE(other, to_string(at));
    names.emplace_back(to_string(at));
  }
}

}  // namespace
}  // namespace tidewire::mail
