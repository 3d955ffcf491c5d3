#pragma once

#include <tidewire/realtime/cursor.hpp>

#include <cstdint>
#include <string>

namespace tidewire::realtime {

// One message of a channel.
struct message {
  std::string channel{};
  std::string epoch{};
  std::uint64_t offset = 0;  // from 1; 0: the server has no offsets
  std::string id{};          // of who published it: "c7:19"; may be empty without offsets
  std::string time{};        // RFC 3339, for people: nothing is ordered by it
  std::string data{};        // JSON text
};

// Messages may have been missed for good: the log was replaced, or what followed the cursor was
// trimmed. Comes before anything newer; what was derived from earlier messages should be loaded
// anew.
struct reset {
  std::string channel{};
  cursor from{};  // what was seen last
  cursor to{};    // where the stream goes on
  std::string reason{};
};

}  // namespace tidewire::realtime
