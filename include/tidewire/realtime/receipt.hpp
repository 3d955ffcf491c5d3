#pragma once

#include <cstdint>
#include <string>

namespace tidewire::realtime {

// How a publication ended. One of three, and never silently.
enum class receipt_state {
  acked,     // it is in the log, once
  rejected,  // it is not in the log, and never will be
  unknown,   // it was sent and the answer did not come: it may be in the log
};

// "acked", "rejected", "unknown".
const char* name_of(receipt_state state) noexcept;

struct publish_receipt {
  std::string id{};
  receipt_state state = receipt_state::unknown;
  std::uint64_t offset = 0;  // in the channel's log, when acked by a server that has offsets
  bool sent = false;         // it was on its way at least once
  bool duplicate = false;    // it was in the log already: an answer had been lost
  std::string reason{};      // for people, unless acked
};

}  // namespace tidewire::realtime
