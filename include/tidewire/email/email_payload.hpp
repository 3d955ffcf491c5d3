#pragma once

#include <tidewire/mail/client.hpp>
#include <tidewire/mail/message.hpp>

#include <string>
#include <string_view>

namespace tidewire::email {

// The kind of tasks that are messages.
constexpr auto task_kind = "email";

// A message as a task's payload:
//
//   {"id": "invoice-7", "from": "The Shop <shop@a.example>", "to": "ann@b.example",
//    "subject": "…", "text": "…", "html": "…", "cc": ["…"], "reply_to": ["…"],
//    "attachments": [{"path": "/srv/i.pdf", "name": "…", "type": "…"}, {"base64": "…", "name":
//    "…"}], "headers": {"X-A": "b"} or ["X-A: b"], "date": 1700000000, "envelope": {"from": "…",
//    "to": "…"}}
//
// Of these from, to and one of text, html and attachments must be there. A relative path is made
// absolute, since another process may send the message. All of it must be UTF-8 (mail::check).
std::string to_payload(const mail::message& m, const mail::envelope& e = {});

struct parsed_email {
  std::string fault;  // what is wrong with the payload, in words; empty: nothing
  mail::message message;
  mail::envelope envelope;
};
// Members that are not known, or of another type, are faults. Does not check the message itself.
parsed_email parse_payload(std::string_view text);

}  // namespace tidewire::email
