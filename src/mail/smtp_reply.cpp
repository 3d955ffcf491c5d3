#include "mail/smtp_reply.hpp"

#include <algorithm>
#include <utility>

namespace tidewire::mail {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// One to three digits off the front.
bool take_number(std::string_view& s) {
  std::size_t n = 0;
  while (n < s.size() && n < 3 && is_digit(s[n])) ++n;
  s.remove_prefix(n);
  return n > 0;
}

bool take_dot(std::string_view& s) {
  if (!s.starts_with('.')) return false;
  s.remove_prefix(1);
  return true;
}

}  // namespace

std::string smtp_reply::enhanced() const {
  std::string_view rest(text);
  if (rest.empty() || rest[0] != static_cast<char>('0' + code / 100)) return {};
  rest.remove_prefix(1);
  bool whole = take_dot(rest) && take_number(rest) && take_dot(rest) && take_number(rest);
  if (!whole || (!rest.empty() && rest[0] != ' ')) return {};
  return text.substr(0, text.size() - rest.size());
}

bool smtp_reply_reader::feed(std::string_view bytes) {
  buffer_ += bytes;
  while (!broken_ && !whole_) {
    auto end = buffer_.find('\n');
    if (std::min(end, buffer_.size()) > max_line_bytes) broken_ = true;
    if (broken_ || end == buffer_.npos) break;
    std::string_view line(buffer_.data(), end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    broken_ = !take_line(line);
    buffer_.erase(0, end + 1);
  }
  return !broken_;
}

bool smtp_reply_reader::take_line(std::string_view line) {
  if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, is_digit)) return false;
  auto code = static_cast<unsigned>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
  bool last = line.size() == 3 || line[3] == ' ';
  if (!last && line[3] != '-') return false;
  if (code < 100 || (lines_ > 0 && code != reply_.code) || ++lines_ > max_lines) return false;
  reply_.code = code;
  auto words = line.substr(std::min<std::size_t>(4, line.size()));
  // Each line repeats the enhanced code; people want to read it once.
  auto again = lines_ > 1 ? reply_.enhanced() : std::string();
  if (!again.empty() && words.starts_with(again + " ")) words.remove_prefix(again.size() + 1);
  if (lines_ > 1 && !words.empty()) reply_.text += ' ';
  for (char c : words) {
    auto byte = static_cast<unsigned char>(c);
    reply_.text += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  whole_ = last;
  return true;
}

std::optional<smtp_reply> smtp_reply_reader::take() {
  if (!whole_) return std::nullopt;
  whole_ = false;
  lines_ = 0;
  return std::exchange(reply_, {});
}

}  // namespace tidewire::mail
