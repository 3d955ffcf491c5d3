#pragma once

#include <tidewire/http/message.hpp>

#include <string>
#include <string_view>

namespace tidewire::realtime {

// Adds parameters to a URL's query, which may have some.
class query {
 public:
  explicit query(const http::url& target) : text_(target.target()) {}

  void add(std::string_view name, std::string_view value) {
    text_ += text_.find('?') == std::string::npos ? '?' : '&';
    text_ += name;
    text_ += '=';
    append_encoded(value);
  }
  void apply(http::request& r) const {
    if (auto whole = r.target.resolve(text_)) r.target = *whole;
  }

 private:
  // All but the unreserved characters of RFC 3986, 2.3.
  void append_encoded(std::string_view value) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (unsigned char c : value) {
      bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '-' || c == '.' || c == '_' || c == '~';
      if (plain) {
        text_ += static_cast<char>(c);
      } else {
        text_ += '%';
        text_ += digits[c >> 4];
        text_ += digits[c & 15];
      }
    }
  }

  std::string text_;
};

}  // namespace tidewire::realtime
