#pragma once

#include <cstddef>

namespace tidewire::test {

// What the whole program has allocated with operator new and not given back: replaces the global
// operators of the program that links it.
std::size_t live_bytes() noexcept;
// The most since the last reset_peak().
std::size_t peak_bytes() noexcept;
void reset_peak() noexcept;

}  // namespace tidewire::test
