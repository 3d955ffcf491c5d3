#include "console_assets.hpp"

namespace tidewire::demo {

std::span<const console_asset> console_assets() {
  return {};
}

}  // namespace tidewire::demo
