// The client against a server that does at each step what the test says.
#include "mail/scripted_smtp_test_support.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/mail/error.hpp>
#include <tidewire/mail/smtp_client.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>

namespace tidewire::mail {
namespace {

using namespace std::chrono_literals;
using testing::scripted_smtp;

struct ending {
  bool ended = false;
  error_code error;
  send_result result;
};

class smtp_client : public ::testing::Test {
 protected:
  smtp_client() {
    make([](auto&) {});
  }
  ~smtp_client() override { stop(); }

  void make(const std::function<void(smtp_options&)>& change) {
    stop();
    smtp_options o;
    o.url = server.url();
    o.security = starttls::none;
    o.ehlo_name = "test.example";
    change(o);
    std::string why;
    auto made = make_smtp_client(context(io.get_executor(), rng(1)), o, &why);
    ASSERT_TRUE(made) << why;
    mail = std::move(*made);
  }

  static message letter(const std::string& id = "one") {
    message m;
    m.id = id;
    m.from = "me@a.example";
    m.to = "you@b.example";
    m.subject = id;
    m.text = "hello\n";
    return m;
  }

  static auto note(ending& e) {
    return [&e](error_code ec, send_result r) {
      EXPECT_FALSE(e.ended) << "completed twice";
      e = {true, ec, std::move(r)};
    };
  }
  void start(message m, ending& e) { mail->async_send(std::move(m), envelope(), note(e)); }
  void run() {
    io.restart();
    io.run();
  }
  // Until the condition holds; something must be going on.
  void run_until(const std::function<bool()>& condition) {
    io.restart();
    timer again(io.get_executor());
    while (!condition()) {
      again.expires_after(1ms);
      again.async_wait([](error_code) {});
      io.run_one();
    }
    again.cancel();
    io.poll();
  }
  send_result send(message m) {
    ending e;
    start(std::move(m), e);
    run_until([&] { return e.ended; });
    EXPECT_FALSE(e.error) << e.error.message() << " " << e.result.text;
    return e.result;
  }

  void stop() {
    if (!mail) return;
    bool stopped = false;
    mail->async_stop([&] { stopped = true; });
    run();
    EXPECT_TRUE(stopped);
    mail.reset();
  }

  bool seen(const std::string& command) const {
    auto all = server.commands();
    return std::count(all.begin(), all.end(), command) > 0;
  }
  // Waits for the server, which lives on threads of its own.
  void wait_for(const std::string& command) {
    run_until([&] { return seen(command); });
  }

  asio::io_context io{1};
  scripted_smtp server;
  std::unique_ptr<client> mail;
};

TEST_F(smtp_client, delivers) {
  auto m = letter();
  m.text = ".\n..\n.dots\nplain.\n";
  auto r = send(m);
  EXPECT_EQ(r.outcome, outcome::accepted) << r.text;
  EXPECT_EQ(r.at, phase::final_dot);
  EXPECT_EQ(r.code, 250u);
  EXPECT_EQ(r.enhanced, "2.0.0");
  EXPECT_EQ(r.text, "2.0.0 queued");
  EXPECT_EQ(r.message_id, "<one@a.example>");
  ASSERT_EQ(server.mails().size(), 1u);
  auto text = server.mails()[0];
  EXPECT_NE(text.find("Message-Id: <one@a.example>\r\n"), text.npos) << text;
  EXPECT_TRUE(text.ends_with("\r\n\r\n.\r\n..\r\n.dots\r\nplain.\r\n")) << text;
  EXPECT_TRUE(seen("EHLO test.example"));
  EXPECT_TRUE(seen("RCPT TO:<you@b.example>"));
}

TEST_F(smtp_client, the_envelope_may_say_otherwise) {
  ending e;
  mail->async_send(letter(), envelope{"", "other@c.example"}, note(e));
  run_until([&] { return e.ended; });
  EXPECT_EQ(e.result.outcome, outcome::accepted);
  EXPECT_TRUE(seen("RCPT TO:<other@c.example>"));
  auto all = server.commands();
  EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                          [](auto& c) { return c.starts_with("MAIL FROM:<> SIZE="); }));
}

TEST_F(smtp_client, a_bad_message_reaches_nobody) {
  auto m = letter();
  m.to = "nobody";
  ending e;
  start(m, e);
  mail->async_send(letter(), envelope{"a@b\r\n", std::nullopt}, [&](error_code ec, send_result r) {
    EXPECT_EQ(ec, errc::invalid_message);
    EXPECT_NE(r.text.find("envelope"), r.text.npos);
  });
  run();
  EXPECT_EQ(e.error, errc::invalid_message);
  EXPECT_EQ(e.result.outcome, outcome::discard);
  EXPECT_NE(e.result.text, "");
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(smtp_client, uses_a_connection_again_and_sends_nothing_twice) {
  for (auto id : {"a", "b", "c"}) {
    auto r = send(letter(id));
    EXPECT_EQ(r.outcome, outcome::accepted);
    EXPECT_EQ(r.reused_connection, std::string(id) != "a");
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.mails().size(), 3u);
  EXPECT_FALSE(seen("RSET"));
}

TEST_F(smtp_client, leaves_a_connection_after_so_many_messages) {
  make([](auto& o) { o.max_messages_per_connection = 2; });
  for (auto id : {"a", "b", "c"}) EXPECT_EQ(send(letter(id)).outcome, outcome::accepted);
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(smtp_client, leaves_an_idle_connection_and_then_nothing_keeps_the_loop_running) {
  make([](auto& o) { o.idle_timeout = 1ms; });
  send(letter());
  run();  // returns
  wait_for("QUIT");
}

TEST_F(smtp_client, answers_of_every_step_count) {
  struct {
    const char* step;
    const char* answer;
    outcome what;
    phase at;
  } cases[] = {
      {"GREETING", "421 4.3.2 later", outcome::retry, phase::greeting},
      {"GREETING", "554 5.3.2 never", outcome::refused, phase::greeting},
      {"AUTH", "454 4.7.0 later", outcome::retry, phase::auth},
      {"AUTH", "535 5.7.8 who?", outcome::refused, phase::auth},
      {"MAIL", "451 4.3.0 later", outcome::retry, phase::mail},
      {"MAIL", "550 5.7.1 no", outcome::discard, phase::mail},
      {"MAIL", "530 5.7.0 log in first", outcome::refused, phase::mail},
      {"RCPT", "450 4.2.0 later", outcome::retry, phase::rcpt},
      {"RCPT", "550 5.1.1 unknown", outcome::discard, phase::rcpt},
      {"DATA", "451 4.3.0 later", outcome::retry, phase::data},
      {"DATA", "554 5.3.0 no", outcome::discard, phase::data},
      {"DOT", "451 4.3.0 later", outcome::retry, phase::final_dot},
      {"DOT", "552 5.2.2 full", outcome::discard, phase::final_dot},
  };
  for (auto& c : cases) {
    make([](auto& o) {
      o.username = "me";
      o.password = "secret";
    });
    server.answer(c.step, c.answer, 1);
    auto r = send(letter());
    EXPECT_EQ(r.outcome, c.what) << c.step << " " << c.answer << ": " << r.text;
    EXPECT_EQ(r.at, c.at) << c.step << " " << c.answer;
    EXPECT_EQ(r.code, static_cast<unsigned>(std::stoi(c.answer))) << c.step;
    EXPECT_EQ(r.text, std::string(c.answer).substr(4));
    EXPECT_EQ(r.enhanced, std::string(c.answer).substr(4, 5));
    // And then everything is well again, on the same connection where there still is one.
    auto mails = server.mails().size();
    EXPECT_EQ(send(letter("two")).outcome, outcome::accepted) << c.step;
    EXPECT_EQ(server.mails().size(), mails + 1);
  }
}

TEST_F(smtp_client, an_ehlo_that_is_refused_counts_too) {
  server.answer("EHLO", "550 no");
  server.answer("HELO", "550 5.0.0 no");
  auto r = send(letter());
  EXPECT_EQ(r.outcome, outcome::refused);
  EXPECT_EQ(r.at, phase::ehlo);
  EXPECT_EQ(r.code, 550u);
}

TEST_F(smtp_client, resets_a_connection_after_a_refused_letter) {
  server.answer("RCPT", "550 no", 1);
  EXPECT_EQ(send(letter("a")).outcome, outcome::discard);
  EXPECT_EQ(send(letter("b")).outcome, outcome::accepted);
  EXPECT_TRUE(seen("RSET"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(smtp_client, lost_at_every_step) {
  struct {
    const char* step;
    outcome what;
    phase at;
  } cases[] = {{"GREETING", outcome::retry, phase::greeting}, {"EHLO", outcome::retry, phase::ehlo},
               {"AUTH", outcome::retry, phase::auth},         {"MAIL", outcome::retry, phase::mail},
               {"RCPT", outcome::retry, phase::rcpt},         {"DATA", outcome::retry, phase::data},
               {"DOT", outcome::unknown, phase::final_dot}};
  for (auto& c : cases)
    for (auto how : {scripted_smtp::hang_up, scripted_smtp::reset}) {
      make([](auto& o) {
        o.username = "me";
        o.password = "secret";
      });
      auto mails = server.mails().size();
      server.answer(c.step, how, 1);
      auto r = send(letter());
      EXPECT_EQ(r.outcome, c.what) << c.step << how << ": " << r.text;
      // A reset may overtake the news that the connection was made.
      if (r.at != phase::connect || c.at != phase::greeting) {
        EXPECT_EQ(r.at, c.at) << c.step << how;
      }
      EXPECT_EQ(r.code, 0u) << c.step << how;
      EXPECT_NE(r.text, "");
      EXPECT_EQ(server.mails().size(), mails + (c.what == outcome::unknown ? 1 : 0));
    }
}

TEST_F(smtp_client, lost_in_the_middle_of_the_message) {
  auto m = letter();
  // More than the kernel's buffers hold, so that the rest can't be on its way.
  m.attachments = {{"", std::string(12 * 1024 * 1024, 'x'), "a"}};
  server.answer("BODY", scripted_smtp::reset);
  auto r = send(m);
  EXPECT_EQ(r.outcome, outcome::retry);
  EXPECT_EQ(r.at, phase::body);
  EXPECT_EQ(server.mails().size(), 0u);
}

TEST_F(smtp_client, a_server_that_refuses_the_message_half_way) {
  auto m = letter();
  m.attachments = {{"", std::string(12 * 1024 * 1024, 'x'), "a"}};
  server.answer("BODY", "552 5.3.4 too big\r\n421 bye");
  make([](auto& o) { o.send_timeout = 2s; });
  auto r = send(m);
  // Whether its words arrive before the time is over is the network's affair; nothing is lost.
  EXPECT_NE(r.outcome, outcome::accepted);
  EXPECT_EQ(server.mails().size(), 0u);
}

TEST_F(smtp_client, nobody_listens) {
  make([&](auto& o) {
    scripted_smtp gone;
    o.url = gone.url();
  });
  auto r = send(letter());
  EXPECT_EQ(r.outcome, outcome::retry);
  EXPECT_EQ(r.at, phase::connect);
}

TEST_F(smtp_client, something_else_than_a_mail_server) {
  server.answer("GREETING", "HTTP/1.1 400 Bad Request");
  auto r = send(letter());
  EXPECT_EQ(r.outcome, outcome::refused);
  EXPECT_EQ(r.at, phase::greeting);
  EXPECT_EQ(r.text, "the other side does not speak SMTP");
}

TEST_F(smtp_client, garbage_after_the_final_dot_is_unknown) {
  server.answer("DOT", "what?");
  EXPECT_EQ(send(letter()).outcome, outcome::unknown);
}

TEST_F(smtp_client, a_server_that_answers_twice_is_not_believed) {
  // The second answer would be taken for that to the next command, and so on to the final dot.
  server.answer("MAIL", "250 ok\r\n250 ok");
  auto r = send(letter());
  EXPECT_EQ(r.outcome, outcome::retry);
  EXPECT_EQ(server.mails().size(), 0u);
}

TEST_F(smtp_client, good_bye_beside_the_last_answer_does_not_undo_it) {
  server.answer("DOT", "250 queued\r\n421 closing", 1);
  EXPECT_EQ(send(letter("a")).outcome, outcome::accepted);
  EXPECT_EQ(send(letter("b")).outcome, outcome::accepted);
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(smtp_client, an_idle_connection_that_the_server_left_costs_nothing) {
  for (auto last_words : {scripted_smtp::hang_up, scripted_smtp::reset, "421 idle too long"}) {
    send(letter("a"));
    auto connections = server.connections();
    server.answer("MAIL", last_words, 1);  // it goes just when the next message comes
    EXPECT_EQ(send(letter("b")).outcome, outcome::accepted) << last_words;
    EXPECT_EQ(server.connections(), connections + 1);
  }
}

TEST_F(smtp_client, logs_in) {
  make([](auto& o) {
    o.username = "me";
    o.password = "pass word";
  });
  EXPECT_EQ(send(letter()).outcome, outcome::accepted);
  EXPECT_TRUE(seen("AG1lAHBhc3Mgd29yZA==\r\n"));
}

TEST_F(smtp_client, sends_nothing_where_it_can_not_log_in_or_encrypt) {
  server.answer("EHLO", "250 here");
  make([](auto& o) {
    o.username = "me";
    o.password = "secret";
  });
  auto r = send(letter());
  EXPECT_EQ(r.outcome, outcome::refused);
  EXPECT_EQ(r.at, phase::auth);
  make([](auto& o) { o.security = starttls::required; });
  r = send(letter());
  EXPECT_EQ(r.outcome, outcome::refused);
  EXPECT_NE(r.text, "");
  EXPECT_EQ(server.mails().size(), 0u);
  make([](auto& o) { o.security = starttls::optional; });
  EXPECT_EQ(send(letter()).outcome, outcome::accepted);
}

TEST_F(smtp_client, a_server_that_never_answers_quit_holds_nobody_up) {
  server.answer("AUTH", "535 no", 1);
  server.answer("QUIT", scripted_smtp::say_nothing);
  make([](auto& o) {
    o.username = "me";
    o.password = "secret";
    o.connect_timeout = 1h;
  });
  EXPECT_EQ(send(letter()).outcome, outcome::refused);
}

TEST_F(smtp_client, a_slow_answer_holds_up_nobody_else) {
  server.answer("DOT", scripted_smtp::say_nothing, 1);
  ending slow;
  start(letter("slow"), slow);
  run_until([&] { return server.times("DOT") == 1; });
  EXPECT_EQ(send(letter("quick")).outcome, outcome::accepted);
  EXPECT_FALSE(slow.ended);
  stop();
  EXPECT_EQ(slow.result.outcome, outcome::unknown);
  EXPECT_EQ(slow.error, tidewire::errc::stopped);
}

TEST_F(smtp_client, at_most_so_many_at_once_the_others_wait) {
  server.answer("RCPT", scripted_smtp::say_nothing, 2);
  ending e[3];
  asio::cancellation_signal first;
  mail->async_send(letter("a"), envelope(), asio::bind_cancellation_slot(first.slot(), note(e[0])));
  start(letter("b"), e[1]);
  start(letter("c"), e[2]);
  run_until([&] { return server.times("RCPT") == 2; });
  EXPECT_EQ(server.connections(), 2);
  first.emit(asio::cancellation_type::terminal);
  run_until([&] { return e[2].ended; });
  EXPECT_EQ(e[2].result.outcome, outcome::accepted);
  EXPECT_FALSE(e[1].ended);
  stop();
}

TEST_F(smtp_client, those_who_wait_are_bounded) {
  server.answer("GREETING", scripted_smtp::say_nothing);
  make([](auto& o) {
    o.max_connections = 1;
    o.max_waiting = 1;
  });
  ending e[3];
  for (auto& one : e) start(letter(), one);
  run_until([&] { return e[2].ended; });
  EXPECT_EQ(e[2].error, tidewire::errc::limit_exceeded);
  EXPECT_EQ(e[2].result.outcome, outcome::retry);
  EXPECT_FALSE(e[0].ended || e[1].ended);
  stop();
}

TEST_F(smtp_client, cancelled_at_every_step) {
  for (auto step : {"GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT"}) {
    make([](auto&) {});
    server.answer(step, scripted_smtp::say_nothing, 1);
    ending e;
    asio::cancellation_signal cancel;
    auto before = server.times(step);
    mail->async_send(letter(), envelope(), asio::bind_cancellation_slot(cancel.slot(), note(e)));
    std::string name = step;
    run_until([&] { return server.times(name) > before; });
    cancel.emit(asio::cancellation_type::terminal);
    run();
    EXPECT_TRUE(e.ended) << step;
    EXPECT_EQ(e.error, asio::error::operation_aborted) << step;
    EXPECT_EQ(e.result.outcome, name == "DOT" ? outcome::unknown : outcome::retry) << step;
  }
}

TEST_F(smtp_client, a_cancel_before_anything_began) {
  ending e;
  asio::cancellation_signal cancel;
  mail->async_send(letter(), envelope(), asio::bind_cancellation_slot(cancel.slot(), note(e)));
  cancel.emit(asio::cancellation_type::terminal);
  run();
  EXPECT_TRUE(e.ended);
  EXPECT_EQ(e.error, asio::error::operation_aborted);
  EXPECT_EQ(server.mails().size(), 0u);
}

TEST_F(smtp_client, nothing_in_time) {
  server.answer("GREETING", scripted_smtp::say_nothing);
  make([](auto& o) { o.connect_timeout = 50ms; });
  auto r = send(letter());
  EXPECT_EQ(r.outcome, outcome::retry);
  EXPECT_EQ(r.at, phase::greeting);
  server.answer("GREETING", "220 here");
  server.answer("DOT", scripted_smtp::say_nothing);
  make([](auto& o) { o.send_timeout = 500ms; });
  r = send(letter());
  EXPECT_EQ(r.outcome, outcome::unknown) << to_string(r.at);
}

TEST_F(smtp_client, a_stop_ends_everything) {
  server.answer("RCPT", scripted_smtp::say_nothing);
  ending e[3];
  for (auto& one : e) start(letter(), one);
  wait_for("RCPT TO:<you@b.example>");
  bool stopped = false;
  mail->async_stop([&] {
    stopped = true;
    for (auto& one : e) EXPECT_TRUE(one.ended);
  });
  run();
  EXPECT_TRUE(stopped);
  for (auto& one : e) {
    EXPECT_EQ(one.error, tidewire::errc::stopped);
    EXPECT_EQ(one.result.outcome, outcome::retry);
  }
  ending late;
  start(letter(), late);
  run();
  EXPECT_EQ(late.error, tidewire::errc::stopped);
}

TEST(smtp_client_alone, may_be_destroyed_in_the_middle) {
  scripted_smtp server;
  server.answer("RCPT", scripted_smtp::say_nothing);
  auto io = std::make_unique<asio::io_context>(1);
  smtp_options o;
  o.url = server.url();
  o.security = starttls::none;
  auto mail = make_smtp_client(context(io->get_executor(), rng(1)), o);
  ASSERT_TRUE(mail);
  message m;
  m.id = "x";
  m.from = m.to = "a@b";
  m.text = "t";
  for (int i = 0; i < 3; ++i) (*mail)->async_send(m, envelope(), [](error_code, send_result) {});
  while (server.commands().size() < 4) io->run_one();
  mail->reset();
  io.reset();  // with everything under way
}

TEST(smtp_client_alone, options_that_can_not_be_used_are_explained) {
  asio::io_context io;
  auto refused = [&](const std::function<void(smtp_options&)>& change) {
    smtp_options o;
    o.url = "smtp://mail.example";
    change(o);
    std::string why;
    auto made = make_smtp_client(context(io.get_executor(), rng(1)), o, &why);
    EXPECT_EQ(why.empty(), made.has_value());
    EXPECT_EQ(why.find("secret"), why.npos) << why;
    return !made && made.error() == errc::invalid_server;
  };
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_FALSE(refused([](auto& o) { o.url = "smtps://[::1]:2525/"; }));
  for (std::string bad : {"", "mail.example", "http://a", "smtp://", "smtp://a/b", "smtp://a?b",
                          "smtp://me:secret@a", "smtp://a:0", "smtp://a:99999", "smtp://a b"})
    EXPECT_TRUE(refused([&](auto& o) { o.url = bad; })) << bad;
  EXPECT_TRUE(refused([](auto& o) { o.username = "me"; }));
  EXPECT_TRUE(refused([](auto& o) { o.password = "secret"; }));
  EXPECT_TRUE(refused([](auto& o) {
    o.username = "me\r\n";
    o.password = "secret";
  }));
  EXPECT_TRUE(refused([](auto& o) { o.ehlo_name = "a b"; }));
  EXPECT_TRUE(refused([](auto& o) { o.max_connections = 0; }));
}

}  // namespace
}  // namespace tidewire::mail
