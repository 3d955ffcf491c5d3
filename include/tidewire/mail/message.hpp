#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/mail/address.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::mail {

// A file that goes along. Read from `path` when the message is composed, unless `path` is empty:
// then `bytes` are sent.
struct attachment {
  std::string path{};
  std::string bytes{};
  std::string name{};  // as the recipient sees it, UTF-8; empty: the last part of `path`
  std::string type{};  // "application/pdf"; empty: by the end of the name
};

// One message to one recipient. A message to several people is sent to each of them on its own, so
// that each has an outcome of its own; `cc` only says who else got it.
struct message {
  // Names this message for ever: Message-ID is made of it, so that a copy that is sent again after
  // an unknown outcome is recognised as one. Any text of 1 to 512 bytes, e.g. a task's id.
  std::string id;
  address from, to;
  std::vector<address> cc, reply_to;
  std::string subject, text, html;  // UTF-8; of text and html at least one, or an attachment
  std::vector<attachment> attachments;
  // Further header fields, as {"List-Unsubscribe", "<https://…>"}. Those that Tidewire or MIME
  // decide (From, Date, Content-* …) can't be given.
  std::vector<std::pair<std::string, std::string>> headers;
  // Date field. Give the time of writing where a message may be sent again later; unset: that of
  // composing.
  std::optional<std::chrono::system_clock::time_point> date;
};

// Bounds of one message.
struct message_limits {
  std::size_t message_bytes = 25 * 1024 * 1024;  // as it goes over the wire
  std::size_t attachments = 100;
  std::size_t addresses = 100;  // cc and reply_to, each
  std::size_t headers = 100;
};

// An error with words for people: which field, and what to do.
struct message_fault {
  error_code error;  // success: none
  std::string text;

  explicit operator bool() const { return static_cast<bool>(error); }
};

// Whether the message can be sent: addresses, UTF-8, no CR, LF or other control character where a
// header would end, no reserved header, bounds. Reads no file.
message_fault check(const message& m, const message_limits& limits = {});

// The Message-ID field's value for an id and a sender: "<id@domain>" where id is plain enough, else
// a digest in its place. The same for the same arguments.
std::string message_id(std::string_view id, std::string_view from);

// The message as text with CRLF line ends (RFC 5322, MIME): header fields and bodies of any
// language as 7-bit text, attachments in base64. `now` dates a message without a date. The same
// arguments give the same bytes. Any thread; reads attachments, and blocks meanwhile.
struct composed {
  message_fault fault;
  std::string text;
};
composed compose(const message& m, std::chrono::system_clock::time_point now,
                 const message_limits& limits = {});

}  // namespace tidewire::mail
