#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidewire::cli {

// One object on one line, member by member. Texts are put right where they are not UTF-8.
class json_line {
 public:
  json_line& add(std::string_view name, std::string_view text);
  json_line& add(std::string_view name, const char* text) {
    return add(name, std::string_view(text));
  }
  json_line& add(std::string_view name, std::uint64_t number);
  json_line& add(std::string_view name, bool value);
  // A JSON text as it is, but for its line breaks; an empty one is null.
  json_line& add_json(std::string_view name, std::string_view json);
  // Nothing for an empty text.
  json_line& add_unless_empty(std::string_view name, std::string_view text);

  std::string text() const { return text_ + "}"; }

 private:
  void begin(std::string_view name);
  std::string text_ = "{";
};

// The text with U+FFFD for each byte that belongs to no character.
std::string as_utf8(std::string_view text);

}  // namespace tidewire::cli
