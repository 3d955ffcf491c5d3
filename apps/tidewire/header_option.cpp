#include "header_option.hpp"

#include "escape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string_view>

namespace tidewire::cli {
namespace {

constexpr std::size_t max_headers = 100, max_line_bytes = 16 * 1024;

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != marks.npos;
  });
}

bool is_control(char c) {
  auto b = static_cast<unsigned char>(c);
  return (b < 0x20 && c != '\t') || b == 0x7f;
}

// Fields that the downloader decides itself: another value would make it misread the answer.
bool is_ours(std::string_view name) {
  for (auto reserved : {"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since",
                        "If-Unmodified-Since", "Accept-Encoding", "Content-Length",
                        "Transfer-Encoding", "Connection", "TE"})
    if (http::iequals(name, reserved)) return true;
  return false;
}

}  // namespace

std::string add_header_line(http::fields& headers, std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  auto colon = line.find(':');
  auto name = line.substr(0, colon);
  if (colon == line.npos || !is_token(name)) return "a header is written as \"Name: value\"";
  auto value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  if (std::any_of(value.begin(), value.end(), is_control))
    return fmt::format("the value of header {} holds a control character", name);
  if (is_ours(name))
    return fmt::format("header {} can't be given: the download depends on its own", name);
  if (headers.size() == max_headers || line.size() > max_line_bytes)
    return "more than 100 headers, or one of more than 16 KiB";
  headers.add(std::string(name), std::string(value));
  return {};
}

std::string add_headers(http::fields& headers, const std::string& option) {
  if (option.empty() || option.front() != '@') return add_header_line(headers, option);
  auto path = option.substr(1);
  std::ifstream file(path);
  if (!file) return fmt::format("header file \"{}\" can't be read", escape_terminal(path));
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line == "\r" || line.front() == '#') continue;
    if (auto fault = add_header_line(headers, line); !fault.empty())
      return fmt::format("{}, line {}: {}", escape_terminal(path), number, fault);
  }
  if (file.bad()) return fmt::format("header file \"{}\" can't be read", escape_terminal(path));
  return {};
}

}  // namespace tidewire::cli
