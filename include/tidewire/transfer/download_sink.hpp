#pragma once

#include <tidewire/core/types.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace tidewire::transfer {

// Takes a download's bytes in order, when they shall not go to a file. Called on the client's
// executor. A dropped connection is resumed behind the last byte taken, within this process.
class download_sink {
 public:
  virtual ~download_sink() = default;
  // An error ends the download with it.
  virtual result<void> write(std::span<const std::byte> bytes) = 0;
  // The resource changed: forget everything written so far. False ends the download with
  // errc::changed, which is right for a sink that can't take bytes back.
  virtual bool restart() { return false; }
};

}  // namespace tidewire::transfer
