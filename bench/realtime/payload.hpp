#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tidewire::bench {

// {"n":NUMBER,"pad":"xx…"} of that many bytes, or as short as it gets.
std::string make_payload(std::uint64_t number, std::size_t bytes);
// Parses the whole, as an application has to; 0 when it is something else.
std::uint64_t number_in(const std::string& payload);

}  // namespace tidewire::bench
