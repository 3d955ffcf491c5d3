#pragma once

namespace tidewire::realtime {

// How messages come at the moment. The lesson's three words.
enum class mode {
  disconnected,  // by no transport that is reported; after a loss, polls fill the gap meanwhile
  websocket,
  polling,
};

// "disconnected", "websocket", "polling".
const char* name_of(mode m) noexcept;

}  // namespace tidewire::realtime
