#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <string>

namespace tidewire::cli {
namespace {

std::string_view variable(const char* name) {
  auto value = std::getenv(name);
  return value ? value : "";
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

terminal_size stderr_size() {
  winsize size{};
  terminal_size answer;
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0) {
    if (size.ws_col > 0) answer.columns = size.ws_col;
    if (size.ws_row > 0) answer.rows = size.ws_row;
  }
  return answer;
}

bool stderr_is_terminal() {
  auto term = variable("TERM");
  return ::isatty(STDERR_FILENO) == 1 && !term.empty() && term != "dumb";
}

bool colour_wanted() {
  return variable("NO_COLOR").empty();
}

bool locale_is_utf8() {
  for (auto name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value(variable(name));
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.find("utf-8") != value.npos || value.find("utf8") != value.npos;
  }
  return false;
}

void write_stderr(std::string_view text) {
  write_all(STDERR_FILENO, text);
}
void write_stdout(std::string_view text) {
  write_all(STDOUT_FILENO, text);
}

}  // namespace tidewire::cli
