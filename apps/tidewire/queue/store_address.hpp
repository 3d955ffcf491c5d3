#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidewire::cli {

// What --store names.
struct store_address {
  enum class kind { sqlite, postgres };
  kind what = kind::sqlite;
  std::string target;  // the file, or the whole URL

  std::string shown() const;  // for people: without a password, and harmless on a terminal
};

// "sqlite:FILE", "postgres://…" or "postgresql://…"; nothing for anything else.
std::optional<store_address> parse_store_address(std::string_view text);

}  // namespace tidewire::cli
