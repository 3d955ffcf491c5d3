#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tidewire::file::detail {

// The two ways to the same number. Both take and give the register as it is between bytes, without
// the inversion at begin and end.
std::uint32_t crc32c_table(std::uint32_t state, std::span<const std::byte> bytes) noexcept;
// Only where crc32c_has_instruction().
std::uint32_t crc32c_instruction(std::uint32_t state, std::span<const std::byte> bytes) noexcept;
bool crc32c_has_instruction() noexcept;

}  // namespace tidewire::file::detail
