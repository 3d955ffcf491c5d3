#pragma once

#include <cstdint>
#include <string>

namespace tidewire::realtime {

// A place in the log of one channel: everything up to `offset` was seen. Offsets are dense and
// count from 1 within an epoch; another epoch is another log, whose offsets say nothing about this
// one. Without an epoch: nothing was seen yet.
struct cursor {
  std::string epoch{};
  std::uint64_t offset = 0;
  // Of the last message, on a server that has no offsets and is asked for what came after an id.
  std::string id{};

  friend bool operator==(const cursor&, const cursor&) = default;
};

}  // namespace tidewire::realtime
