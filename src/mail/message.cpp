#include <tidewire/core/utf8.hpp>
#include <tidewire/http/digest.hpp>
#include <tidewire/mail/error.hpp>
#include <tidewire/mail/message.hpp>

#include <algorithm>
#include <cctype>
#include <span>

namespace tidewire::mail {
namespace {

constexpr std::size_t max_id_bytes = 512, max_line_bytes = 2000, max_header_bytes = 8000;

bool is_control(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// Text for a header field: a line end in it would begin a field of somebody else's choice.
std::string check_line(const std::string& what, std::string_view text, std::size_t max_bytes) {
  if (std::any_of(text.begin(), text.end(), is_control))
    return what + " holds a line end or another control character";
  if (!is_utf8(text)) return what + " is not UTF-8";
  if (text.size() > max_bytes)
    return what + " is longer than " + std::to_string(max_bytes) + " bytes";
  return {};
}

std::string check_address(const std::string& what, const address& a) {
  auto wrong = check_email(a.email);
  if (!wrong.empty()) return what + ": " + wrong;
  return check_line(what + ": the name", a.name, max_line_bytes);
}

bool is_token(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
  });
}

std::string lower(std::string_view s) {
  std::string out(s);
  for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string check_type(const std::string& type) {
  auto slash = std::min(type.find('/'), type.size());
  if (!is_token(type.substr(0, slash)) || slash == type.size() || !is_token(type.substr(slash + 1)))
    return "is no media type: write it like application/pdf";
  // RFC 2046 forbids base64 in these, and nothing else keeps the bytes.
  auto group = lower(type.substr(0, slash));
  if (group == "multipart" || group == "message")
    return "can't be attached: take application/octet-stream";
  return {};
}

bool is_reserved(std::string_view header) {
  auto name = lower(header);
  if (name.starts_with("content-")) return true;
  for (auto ours : {"from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id",
                    "mime-version", "return-path", "received"})
    if (name == ours) return true;
  return false;
}

// Printable ASCII but the colon (RFC 5322, 2.2).
bool is_field_name(std::string_view s) {
  return !s.empty() && s.size() <= 76 &&
         std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c <= '~' && c != ':'; });
}

std::string check_addresses(const message& m, const message_limits& limits) {
  if (auto wrong = check_address("from", m.from); !wrong.empty()) return wrong;
  if (auto wrong = check_address("to", m.to); !wrong.empty()) return wrong;
  if (m.cc.size() > limits.addresses || m.reply_to.size() > limits.addresses)
    return "more than " + std::to_string(limits.addresses) + " addresses in cc or reply-to";
  for (auto& a : m.cc)
    if (auto wrong = check_address("cc", a); !wrong.empty()) return wrong;
  for (auto& a : m.reply_to)
    if (auto wrong = check_address("reply-to", a); !wrong.empty()) return wrong;
  return {};
}

std::string check_headers(const message& m, const message_limits& limits) {
  if (m.headers.size() > limits.headers)
    return "more than " + std::to_string(limits.headers) + " headers";
  for (auto& [name, value] : m.headers) {
    if (!is_field_name(name)) return "a header's name is 1 to 76 letters, digits and marks";
    if (is_reserved(name)) return "header " + name + " can't be given: the message has its own";
    if (auto wrong = check_line("header " + name, value, max_header_bytes); !wrong.empty())
      return wrong;
  }
  return {};
}

std::string check_attachments(const message& m, const message_limits& limits) {
  if (m.attachments.size() > limits.attachments)
    return "more than " + std::to_string(limits.attachments) + " attachments";
  for (auto& a : m.attachments) {
    if (a.path.empty() && a.name.empty()) return "an attachment of bytes needs a name";
    if (auto wrong = check_line("an attachment's name", a.name, 255); !wrong.empty()) return wrong;
    if (auto wrong = check_type(a.type); !a.type.empty() && !wrong.empty())
      return "an attachment's type " + wrong;
  }
  return {};
}

std::string first_fault(const message& m, const message_limits& limits) {
  if (m.id.empty() || m.id.size() > max_id_bytes) return "a message's id is 1 to 512 bytes";
  if (auto wrong = check_addresses(m, limits); !wrong.empty()) return wrong;
  if (auto wrong = check_line("the subject", m.subject, max_line_bytes); !wrong.empty())
    return wrong;
  if (!is_utf8(m.text)) return "the text is not UTF-8";
  if (!is_utf8(m.html)) return "the HTML is not UTF-8";
  if (m.text.empty() && m.html.empty() && m.attachments.empty())
    return "there is nothing to send: neither text nor HTML nor an attachment";
  if (auto wrong = check_headers(m, limits); !wrong.empty()) return wrong;
  return check_attachments(m, limits);
}

bool is_plain_id(std::string_view id) {
  auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  };
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), plain);
}

}  // namespace

message_fault check(const message& m, const message_limits& limits) {
  if (auto wrong = first_fault(m, limits); !wrong.empty())
    return {make_error_code(errc::invalid_message), wrong};
  auto bytes = m.text.size() + m.html.size();
  for (auto& a : m.attachments) bytes += a.path.empty() ? a.bytes.size() : 0;
  if (bytes <= limits.message_bytes) return {};
  return {make_error_code(errc::too_large),
          "the message is larger than " + std::to_string(limits.message_bytes) + " bytes"};
}

std::string message_id(std::string_view id, std::string_view from) {
  std::string left(id);
  if (!is_plain_id(id)) {
    http::sha256_hasher hasher;
    hasher.update(std::as_bytes(std::span(id)));
    left = hasher.finish().hex().substr(0, 40);
  }
  return "<" + left + "@" + domain_of(from) + ">";
}

}  // namespace tidewire::mail
