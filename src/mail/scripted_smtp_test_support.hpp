#pragma once

#include "http/raw_server_test_support.hpp"

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace tidewire::mail::testing {

// A mail server that does at each step what the test says. Steps: GREETING, EHLO, AUTH, MAIL, RCPT,
// DATA, BODY (in the middle of the message), DOT (the whole message is here), RSET, QUIT.
class scripted_smtp {
 public:
  // What an answer may be in place of text.
  static constexpr auto hang_up = "<hang up>", reset = "<reset>", say_nothing = "<say nothing>";

  scripted_smtp() : server_([this](http::testing::raw_connection& c) { serve(c); }) {}

  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port()); }
  unsigned short port() const { return server_.port(); }
  int connections() const { return server_.connections(); }

  // The next `times` times that the step comes; negative: always.
  void answer(const std::string& step, const std::string& text, int times = -1) {
    std::lock_guard lock(mutex_);
    answers_[step] = {text, times};
  }
  std::vector<std::string> mails() const { return copy(mails_); }
  std::vector<std::string> commands() const { return copy(commands_); }
  // How often a step was answered, or was about to be.
  int times(const std::string& step) const {
    std::lock_guard lock(mutex_);
    auto it = times_.find(step);
    return it == times_.end() ? 0 : it->second;
  }

 private:
  struct planned {
    std::string text;
    int times;
  };

  std::vector<std::string> copy(const std::vector<std::string>& what) const {
    std::lock_guard lock(mutex_);
    return what;
  }

  std::string planned_for(const std::string& step, const std::string& usual) {
    std::lock_guard lock(mutex_);
    ++times_[step];
    auto it = answers_.find(step);
    if (it == answers_.end() || it->second.times == 0) return usual;
    if (it->second.times > 0) --it->second.times;
    return it->second.text;
  }

  // False: the connection is over.
  bool act(http::testing::raw_connection& c, const std::string& step, const std::string& usual) {
    auto text = planned_for(step, usual);
    if (text == say_nothing) c.wait_closed();
    if (text == reset) c.reset();
    if (text == say_nothing || text == reset || text == hang_up) return false;
    return c.write(text + "\r\n");
  }

  void serve(http::testing::raw_connection& c) {
    if (!act(c, "GREETING", "220 here")) return hang_up_on(c);
    for (;;) {
      auto line = c.read_line();
      if (line.empty()) return;
      note(commands_, line.substr(0, line.size() - 2));
      auto verb = line.substr(0, 4);
      bool goes_on = verb == "EHLO"   ? act(c, "EHLO", "250-here\r\n250-SIZE\r\n250 AUTH PLAIN")
                     : verb == "AUTH" ? authenticate(c)
                     : verb == "DATA" ? take_mail(c)
                     : verb == "QUIT" ? act(c, "QUIT", hang_up)
                                      : act(c, verb, "250 2.0.0 ok");
      if (!goes_on) return hang_up_on(c);
    }
  }

  bool authenticate(http::testing::raw_connection& c) {
    c.write("334 \r\n");
    note(commands_, c.read_line());
    return act(c, "AUTH", "235 2.7.0 welcome");
  }

  bool take_mail(http::testing::raw_connection& c) {
    auto go = planned_for("DATA", "354 go on");
    if (go.substr(0, 3) != "354") {
      answer("DATA", go, 1);
      return act(c, "DATA", go);
    }
    c.write(go + "\r\n");
    std::string mail, line;
    bool cut = !planned_for("BODY", "").empty();
    while ((line = c.read_line()) != ".\r\n") {
      if (line.empty()) return false;
      if (cut) return act(c, "BODY", reset);
      mail += line.starts_with('.') ? line.substr(1) : line;
    }
    note(mails_, mail);
    return act(c, "DOT", "250 2.0.0 queued");
  }

  void hang_up_on(http::testing::raw_connection& c) {
    boost::system::error_code ignored;
    c.socket().close(ignored);
  }

  void note(std::vector<std::string>& where, const std::string& what) {
    std::lock_guard lock(mutex_);
    where.push_back(what);
  }

  mutable std::mutex mutex_;
  std::map<std::string, planned> answers_;
  std::map<std::string, int> times_;
  std::vector<std::string> mails_, commands_;
  http::testing::raw_server server_;
};

}  // namespace tidewire::mail::testing
