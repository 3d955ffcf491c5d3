#include "queue/kind_option.hpp"

namespace tidewire::cli {

std::optional<kind_option> parse_kind(std::string_view text) {
  auto equals = text.find('=');
  if (equals == text.npos) {
    if (text != "http") return {};
    return kind_option{std::string(text), {}};
  }
  auto command = text.substr(equals + 1);
  if (equals == 0 || command.find_first_not_of(' ') == command.npos) return {};
  return kind_option{std::string(text.substr(0, equals)), std::string(command)};
}

}  // namespace tidewire::cli
