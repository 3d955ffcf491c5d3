#include "input_list.hpp"

#include "escape.hpp"

#include <fmt/format.h>

#include <string_view>

namespace tidewire::cli {
namespace {

constexpr std::size_t max_entries = 100'000, max_line_bytes = 64 * 1024;

std::string_view trim(std::string_view text) {
  auto from = text.find_first_not_of(" \t\r");
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

std::string add_option(list_entry& entry, std::string_view text) {
  auto equals = text.find('=');
  auto name = text.substr(0, equals);
  auto value = equals == text.npos ? std::string() : std::string(text.substr(equals + 1));
  if (name == "out") {
    if (!is_safe_relative_name(value))
      return "out= wants a name below the folder, without \"..\" and not absolute";
    entry.out = value;
  } else if (name == "checksum") {
    entry.checksum = value;
  } else {
    return fmt::format("unknown option \"{}\"; out= and checksum= are known",
                       escape_terminal(name.substr(0, 40)));
  }
  return {};
}

void add_sources(list_entry& entry, std::string_view text) {
  while (!text.empty()) {
    auto tab = text.find('\t');
    if (auto source = trim(text.substr(0, tab)); !source.empty())
      entry.sources.emplace_back(source);
    if (tab == text.npos) break;
    text.remove_prefix(tab + 1);
  }
}

}  // namespace

bool is_safe_relative_name(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\0') != name.npos) return false;
  std::string_view rest = name;
  while (true) {
    auto slash = rest.find('/');
    auto part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == rest.npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

input_list read_input_list(std::istream& in) {
  input_list list;
  std::size_t number = 0;
  auto fail = [&](std::string_view what) {
    list.fault = fmt::format("line {}: {}", number, what);
    return list;
  };
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.size() > max_line_bytes) return fail("too long");
    auto text = trim(line);
    if (text.empty() || text.front() == '#') continue;
    if (line.front() == ' ' || line.front() == '\t') {
      if (list.entries.empty()) return fail("an option without a URL above it");
      if (auto fault = add_option(list.entries.back(), text); !fault.empty()) return fail(fault);
      continue;
    }
    if (list.entries.size() == max_entries) return fail("more than 100000 entries");
    list_entry entry;
    entry.line = number;
    add_sources(entry, text);
    list.entries.push_back(std::move(entry));
  }
  if (in.bad()) return fail("could not be read");
  return list;
}

}  // namespace tidewire::cli
