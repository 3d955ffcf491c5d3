#include "file/crc32c.hpp"

#include <tidewire/file/journal.hpp>

#include <array>
#include <cstring>

namespace tidewire::file {
namespace detail {
namespace {

// The Castagnoli polynomial with its bits reversed (RFC 3720, appendix B.4).
constexpr std::uint32_t polynomial = 0x82f63b78;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? polynomial : 0);
    table[i] = value;
  }
  return table;
}

constexpr auto table = make_table();

}  // namespace

std::uint32_t crc32c_table(std::uint32_t state, std::span<const std::byte> bytes) noexcept {
  for (auto byte : bytes)
    state = (state >> 8) ^ table[(state ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
  return state;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) std::uint32_t crc32c_instruction(
    std::uint32_t state, std::span<const std::byte> bytes) noexcept {
  std::uint64_t wide = state;
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
    bytes = bytes.subspan(sizeof word);
  }
  state = static_cast<std::uint32_t>(wide);
  for (auto byte : bytes)
    state = __builtin_ia32_crc32qi(state, std::to_integer<unsigned char>(byte));
  return state;
}

bool crc32c_has_instruction() noexcept {
  static const bool has = __builtin_cpu_supports("sse4.2");
  return has;
}

#else

std::uint32_t crc32c_instruction(std::uint32_t state, std::span<const std::byte> bytes) noexcept {
  return crc32c_table(state, bytes);
}

bool crc32c_has_instruction() noexcept {
  return false;
}

#endif

}  // namespace detail

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous) noexcept {
  auto state = ~previous;
  state = detail::crc32c_has_instruction() ? detail::crc32c_instruction(state, bytes)
                                           : detail::crc32c_table(state, bytes);
  return ~state;
}

}  // namespace tidewire::file
