#pragma once

#include <tidewire/core/rng.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tidewire::server {

// What every store does alike.

inline std::string epoch_text(std::uint64_t number) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (auto at = out.size(); at-- > 0; number >>= 4) out[at] = digits[number & 15];
  return out;
}

// The epoch of a log that was never begun anew. It follows from the store's own random number, so
// that an empty channel has one without being written down.
inline std::string first_epoch(std::uint64_t seed, std::string_view channel) {
  return epoch_text(rng(seed).stream(channel)());
}

// FNV-1a: tells a message sent again from another one under the same id, which is a client's bug.
// Nobody gains by a collision: the second message would be taken for the first.
inline std::uint64_t fingerprint(std::string_view data) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (char c : data) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace tidewire::server
