// What a mail server says, and what people want to send: no octet of theirs may add a header, a
// recipient or a command.
#include "mail/dial_watch.hpp"
#include "mail/smtp_dialogue.hpp"

#include <tidewire/email/email_payload.hpp>
#include <tidewire/mail/message.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace tidewire;

namespace {

void expect(bool promise) {
  if (!promise) __builtin_trap();
}

void fuzz_replies(std::string_view bytes) {
  mail::smtp_reply_reader reader;
  mail::dial_watch watch;
  mail::letter letter{"a@b", "c@d", mail::stuffed("x")};
  mail::smtp_dialogue dialogue(letter, true, false);
  auto half = bytes.size() / 2;
  for (auto piece : {bytes.substr(0, half), bytes.substr(half)}) {
    watch.received(piece);
    watch.sent(piece);
    if (!reader.feed(piece)) return;
    while (auto reply = reader.take()) {
      expect(reply->code >= 100 && reply->code <= 999);
      for (unsigned char c : reply->text) expect(c >= 0x20 && c != 0x7f);
      expect(reply->text.starts_with(reply->enhanced()));
      if (!dialogue.end()) {
        dialogue.sent();
        dialogue.take(*reply);
      }
      if (!reader.feed({})) return;
    }
  }
}

void fuzz_stuffing(std::string_view text) {
  auto data = mail::stuffed(text);
  // The final dot is the only line that is one.
  auto end = data.size() - 3;
  expect(data.substr(end) == ".\r\n");
  expect(data.substr(0, 3) != ".\r\n" || end == 0);
  for (std::size_t at = 0; (at = data.find("\n.\r\n", at)) != data.npos; ++at)
    expect(at + 1 == end);
}

void fuzz_address(std::string_view text) {
  auto a = mail::parse_address(text);
  if (!mail::check_email(a.email).empty()) return;
  for (unsigned char c : a.email) expect(c >= 0x20 && c < 0x7f);
  expect(!mail::domain_of(a.email).empty() || a.email.ends_with("@"));
}

void fuzz_message(std::string_view text) {
  std::vector<std::string> part(6);
  std::size_t i = 0;
  for (char c : text) {
    if (c == '|' && i + 1 < part.size())
      ++i;
    else
      part[i] += c;
  }
  mail::message m;
  m.id = part[0];
  m.from = {"me@a.example", part[1]};
  m.to = {"you@b.example"};
  m.subject = part[2];
  m.text = part[3];
  m.headers = {{"X-Note", part[4]}};
  m.attachments = {{"", part[3], part[5], ""}};
  auto made = mail::compose(m, {});
  expect(made.fault ? made.text.empty() : !mail::check(m).error);
  if (made.fault) return;
  auto head = made.text.substr(0, made.text.find("\r\n\r\n"));
  for (std::size_t at = 0; at < head.size();) {
    auto line = std::string_view(head).substr(at, head.find("\r\n", at) - at);
    at += line.size() + 2;
    bool known = line.starts_with(' ') || line.starts_with('\t');
    for (auto name : {"From:", "To:", "Subject:", "Date:", "Message-Id:", "X-Note:",
                      "MIME-Version:", "Content-"})
      known = known || line.starts_with(name);
    expect(known);
  }
  for (unsigned char c : made.text) expect(c != 0 && c < 0x80);
}

void fuzz_payload(std::string_view text) {
  auto parsed = email::parse_payload(text);
  if (!parsed.fault.empty() || mail::check(parsed.message)) return;
  auto again = email::parse_payload(email::to_payload(parsed.message, parsed.envelope));
  expect(again.fault.empty());
  expect(again.message.to == parsed.message.to && again.message.headers == parsed.message.headers);
  expect(again.message.text == parsed.message.text && again.message.id == parsed.message.id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz_replies(text);
  fuzz_stuffing(text);
  fuzz_address(text);
  fuzz_message(text);
  fuzz_payload(text);
  return 0;
}
