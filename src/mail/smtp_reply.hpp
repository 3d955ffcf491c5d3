#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::mail {

struct smtp_reply {
  unsigned code = 0;
  std::string text;  // lines joined by a space, without codes and control characters

  // "5.1.1" where the text begins with an enhanced code of the same class (RFC 2034), else empty.
  std::string enhanced() const;
};

// Makes replies of bytes (RFC 5321, 4.2). Pure.
class smtp_reply_reader {
 public:
  static constexpr std::size_t max_line_bytes = 4096, max_lines = 200;

  // Takes what came; false once the other side does not speak SMTP, or says too much.
  bool feed(std::string_view bytes);
  // The reply, once it is whole.
  std::optional<smtp_reply> take();
  // Something of a reply is here: a server that answers before it was asked is out of step.
  bool empty() const { return buffer_.empty() && lines_ == 0 && !whole_; }

 private:
  bool take_line(std::string_view line);

  std::string buffer_;
  smtp_reply reply_;
  std::size_t lines_ = 0;
  bool whole_ = false, broken_ = false;
};

}  // namespace tidewire::mail
