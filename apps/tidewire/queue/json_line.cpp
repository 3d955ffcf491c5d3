#include "queue/json_line.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/core/utf8.hpp>

#include <algorithm>

namespace tidewire::cli {

void json_line::begin(std::string_view name) {
  if (text_.size() > 1) text_ += ',';
  append_json_string(text_, name);
  text_ += ':';
}

json_line& json_line::add(std::string_view name, std::string_view text) {
  begin(name);
  append_json_string(text_, as_utf8(text));
  return *this;
}

json_line& json_line::add(std::string_view name, std::uint64_t number) {
  begin(name);
  text_ += std::to_string(number);
  return *this;
}

json_line& json_line::add(std::string_view name, bool value) {
  begin(name);
  text_ += value ? "true" : "false";
  return *this;
}

json_line& json_line::add_json(std::string_view name, std::string_view json) {
  begin(name);
  std::string one_line(json.empty() ? "null" : json);
  // Line breaks between tokens are white space: in strings JSON has none.
  for (char& c : one_line)
    if (c == '\n' || c == '\r') c = ' ';
  text_ += one_line;
  return *this;
}

json_line& json_line::add_unless_empty(std::string_view name, std::string_view text) {
  return text.empty() ? *this : add(name, text);
}

std::string as_utf8(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length <= std::min<std::size_t>(4, text.size()) && !is_utf8(text.substr(0, length)))
      ++length;
    if (length <= std::min<std::size_t>(4, text.size())) {
      out += text.substr(0, length);
      text.remove_prefix(length);
    } else {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace tidewire::cli
