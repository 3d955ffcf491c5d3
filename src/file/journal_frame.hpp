#pragma once

#include <tidewire/file/journal.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tidewire::file::detail {

// The bytes of docs/formats/journal.md. Everything is little endian, whatever the machine is.

template <class Integer>
void put(std::byte* to, Integer value) noexcept {
  for (std::size_t i = 0; i < sizeof value; ++i) to[i] = static_cast<std::byte>(value >> (8 * i));
}

template <class Integer>
Integer get(const std::byte* from) noexcept {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = static_cast<Integer>(value | std::to_integer<Integer>(from[i]) << (8 * i));
  return value;
}

// magic[4] version:u16 reserved[6] crc:u32 over what stands before it.
constexpr std::size_t header_bytes = 16;
// length:u32 type:u8 reserved[3] crc:u32 over these eight bytes and the payload.
constexpr std::size_t frame_bytes = 12;
constexpr std::size_t frame_checked_bytes = 8;

std::array<std::byte, header_bytes> make_header(const journal_format& format) noexcept;

// The version in a header of this format, or why it is none.
result<std::uint16_t> read_header(std::span<const std::byte, header_bytes> header,
                                  const journal_format& format) noexcept;

// Fills in the frame of a record whose payload stands behind it in `record` already.
void make_frame(std::span<std::byte> record, std::uint8_t type) noexcept;

// The payload's length as a frame says it; nothing when no writer writes such a length.
std::optional<std::size_t> read_length(std::span<const std::byte> frame) noexcept;

// Whether a whole record (frame and payload) is as it was written.
bool intact(std::span<const std::byte> record) noexcept;

}  // namespace tidewire::file::detail
