#include "queue/store_address.hpp"

#include "escape.hpp"

namespace tidewire::cli {

std::string store_address::shown() const {
  if (what == kind::sqlite) return escape_terminal(target);
  auto host = target.find("://") + 3;
  auto at = target.rfind('@', target.find('/', host));
  auto start = at == target.npos || at < host ? host : at + 1;
  // What follows "?" may hold a password too.
  return escape_terminal("postgres://" + target.substr(start, target.find('?', start) - start));
}

std::optional<store_address> parse_store_address(std::string_view text) {
  constexpr std::string_view sqlite = "sqlite:";
  if (text.starts_with(sqlite)) {
    auto path = text.substr(sqlite.size());
    // A store in memory would end with the command.
    if (path.empty() || path == ":memory:") return {};
    return store_address{store_address::kind::sqlite, std::string(path)};
  }
  if (text.starts_with("postgres://") || text.starts_with("postgresql://"))
    return store_address{store_address::kind::postgres, std::string(text)};
  return {};
}

}  // namespace tidewire::cli
