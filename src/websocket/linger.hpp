#pragma once

#include "websocket/wire.hpp"

#include <chrono>

namespace tidewire::websocket {

// The decent end of a connection whose last frame was sent: closing at once with unread bytes
// resets it, and the reset may overtake that frame. Discards what the peer still sends, within
// `limit` and max_lingering_bytes, then closes. `first` ends our sending before: the server's part
// (RFC 6455, 7.1.1). Keeps the wire meanwhile.
inline constexpr std::size_t max_lingering_bytes = 1024 * 1024;
void linger(std::shared_ptr<wire> w, bool first, std::chrono::nanoseconds limit);

}  // namespace tidewire::websocket
