#include "roff.hpp"

namespace tidewire::cli {
namespace {

std::string_view escaped(char c) {
  switch (c) {
    case '\\':
      return "\\e";
    case '-':  // else a typographic hyphen, which no shell understands
      return "\\-";
    case '\'':
      return "\\(aq";
    case '`':
      return "\\(ga";
    case '^':
      return "\\(ha";
    case '~':
      return "\\(ti";
    default:
      return {};
  }
}

}  // namespace

std::string roff_escape(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (char c : text) {
    // A dot begins a request and a blank breaks the paragraph; ' begins one too, but is escaped.
    if (line_begins && (c == '.' || c == ' ')) out += "\\&";
    line_begins = c == '\n';
    auto word = escaped(c);
    word.empty() ? out += c : out += word;
  }
  return out;
}

std::string roff_prose(std::string_view text) {
  constexpr std::string_view tick = "\\(ga";
  auto out = roff_escape(text);
  for (auto begin = out.find(tick); begin != out.npos; begin = out.find(tick, begin)) {
    auto end = out.find(tick, begin + tick.size());
    if (end == out.npos) break;
    out.replace(end, tick.size(), "\\fR");
    out.replace(begin, tick.size(), "\\fB");
  }
  return out;
}

std::string roff_argument(std::string_view text) {
  std::string out = "\"";
  for (char c : roff_escape(text)) c == '"' ? out += "\\(dq" : out += c;
  return out + "\"";
}

}  // namespace tidewire::cli
