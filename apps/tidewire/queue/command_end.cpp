#include "queue/command_end.hpp"

#include "queue/json_line.hpp"

#include <tidewire/core/json_text.hpp>

#include <fmt/format.h>

#include <cstring>

namespace tidewire::cli {
namespace {

constexpr int data_error = 65;  // sysexits' EX_DATAERR
constexpr int not_executable = 126, not_found = 127;

std::string_view trimmed(std::string_view text) {
  constexpr auto spaces = " \t\r\n";
  auto first = text.find_first_not_of(spaces);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

// A character may stand across the cut.
std::string cut_text(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return std::string(text.substr(0, bytes)) + "…";
}

std::string result_of(const command_end& end) {
  auto text = trimmed(end.output);
  if (text.empty()) return {};
  if (!end.output_cut && check_json(text, {kept_output_bytes, 64})) return std::string(text);
  auto kept = end.output_cut ? std::string(text) + "…" : std::string(text);
  std::string out;
  append_json_string(out, as_utf8(cut_text(as_utf8(kept), kept_text_bytes)));
  return out;
}

std::string reason_of(const command_end& end) {
  std::string out;
  if (end.signal != 0)
    out = fmt::format("ended by signal {} ({})", end.signal, ::strsignal(end.signal));
  else
    out = fmt::format("exit code {}", end.code);
  if (end.signal == 0 && end.code == not_found) out += " (the shell found no such command)";
  if (end.signal == 0 && end.code == not_executable) out += " (the shell could not run it)";
  auto error = trimmed(end.error);
  return error.empty() ? out : out + ": " + as_utf8(error);
}

}  // namespace

queue::outcome outcome_of(const command_end& end) {
  if (end.signal == 0 && end.code == 0) return queue::outcome::done(result_of(end));
  if (end.signal == 0 && end.code == data_error) return queue::outcome::discard(reason_of(end));
  return queue::outcome::retry(reason_of(end));
}

}  // namespace tidewire::cli
