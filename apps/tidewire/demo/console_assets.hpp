#pragma once

#include <span>
#include <string_view>

namespace tidewire::demo {

// A file of the built console page, as it stands in this program.
struct console_asset {
  std::string_view name;  // "index.html", "assets/…"
  std::string_view type;  // Content-Type
  std::string_view etag;  // a strong one, quoted
  std::string_view bytes;
};

// Empty in a program that was built without its console (TIDEWIRE_CONSOLE=OFF). Generated.
std::span<const console_asset> console_assets();

}  // namespace tidewire::demo
