#include "mail/smtp_dialogue.hpp"

#include <utility>

namespace tidewire::mail {
namespace {

std::string mail_command(const letter& l, bool size_offered) {
  auto out = "MAIL FROM:<" + l.sender + ">";
  if (size_offered) out += " SIZE=" + std::to_string(l.data.size());
  return out;
}

}  // namespace

std::string stuffed(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 64 + 5);
  bool line_begins = true;
  for (char c : text) {
    if (line_begins && c == '.') out += '.';
    out += c;
    line_begins = c == '\n';
  }
  if (!line_begins) out += "\r\n";
  return out += ".\r\n";
}

smtp_dialogue::smtp_dialogue(const letter& what, bool size_offered, bool reset_first)
    : letter_(what), size_offered_(size_offered), resetting_(reset_first) {
  ask(phase::mail, resetting_ ? "RSET" : mail_command(letter_, size_offered_));
}

void smtp_dialogue::ask(phase next, std::string command) {
  at_ = next;
  command_ = std::move(command) + "\r\n";
}

std::string_view smtp_dialogue::output() const {
  return at_ == phase::body ? std::string_view(letter_.data) : command_;
}

void smtp_dialogue::sent() {
  if (at_ == phase::body) at_ = phase::final_dot;
}

void smtp_dialogue::take(const smtp_reply& reply) {
  auto kind = reply.code / 100;
  if (resetting_) {
    // A no to RSET says nothing about this letter.
    if (kind != 2) return lost();
    resetting_ = false;
    return ask(phase::mail, mail_command(letter_, size_offered_));
  }
  last_ = reply;
  if (at_ == phase::mail && kind == 2)
    return ask(phase::rcpt, "RCPT TO:<" + letter_.recipient + ">");
  if (at_ == phase::rcpt && kind == 2) return ask(phase::data, "DATA");
  if (at_ == phase::data && reply.code == 354) {
    at_ = phase::body;
    return;
  }
  end_ = dialogue_end{at_, reply.code, false};
}

void smtp_dialogue::lost() {
  last_ = {};
  end_ = dialogue_end{at_, 0, false};
}

}  // namespace tidewire::mail
