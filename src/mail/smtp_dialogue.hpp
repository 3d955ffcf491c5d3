#pragma once

#include "mail/smtp_reply.hpp"

#include <tidewire/mail/send_result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tidewire::mail {

// What goes over the wire for one recipient.
struct letter {
  std::string sender;  // empty: <>
  std::string recipient;
  std::string data;  // dot-stuffed, with its final dot: see stuffed()
};

// Text with CRLF line ends as DATA carries it (RFC 5321, 4.5.2), final dot included.
std::string stuffed(std::string_view text);

// MAIL, RCPT, DATA and the message, over a connection that has logged in. Pure: says what to send,
// takes replies, and knows at each moment how it ends if the connection is lost now.
//
//   while (!d.end()) { send all of d.output(); d.sent(); d.take(next reply); }
class smtp_dialogue {
 public:
  // `size_offered`: EHLO named SIZE. `reset_first`: the connection has served an earlier letter
  // that was refused.
  smtp_dialogue(const letter& what, bool size_offered, bool reset_first);

  // To be sent now, whole, before sent() is called.
  std::string_view output() const;
  // All of it was handed to the network: from here on the final dot may have arrived.
  void sent();
  void take(const smtp_reply& reply);
  // The connection broke, or the time is over.
  void lost();

  phase at() const { return at_; }
  const std::optional<dialogue_end>& end() const { return end_; }
  const smtp_reply& last_reply() const { return last_; }  // that ended it

 private:
  void ask(phase next, std::string command);

  const letter& letter_;
  bool size_offered_, resetting_;
  phase at_ = phase::mail;
  std::string command_;
  std::optional<dialogue_end> end_;
  smtp_reply last_;
};

}  // namespace tidewire::mail
