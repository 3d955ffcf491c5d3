#pragma once

#include "mail/smtp_reply.hpp"

#include <tidewire/mail/send_result.hpp>

#include <string_view>

namespace tidewire::mail {

// Follows what libcurl and the server say to each other up to the log-in, and knows how far they
// are. Pure. Keeps no command: what follows AUTH is secret.
class dial_watch {
 public:
  void sent(std::string_view command);
  void received(std::string_view bytes);

  // Of the dialogue alone: `greeting` until libcurl has said something.
  phase at() const { return at_; }
  // The reply to the last command, unless it is still to come.
  const smtp_reply& reply() const { return reply_; }
  bool size_offered() const { return size_offered_; }
  bool logged_in() const { return logged_in_; }
  bool broken() const { return broken_; }      // what was received is no SMTP
  bool quitting() const { return quitting_; }  // libcurl gives up and says QUIT

 private:
  phase at_ = phase::greeting;
  smtp_reply_reader reader_;
  smtp_reply reply_;
  bool size_offered_ = false, logged_in_ = false, quitting_ = false, broken_ = false;
};

}  // namespace tidewire::mail
