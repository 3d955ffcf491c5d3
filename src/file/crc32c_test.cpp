#include "file/crc32c.hpp"

#include <tidewire/core/rng.hpp>
#include <tidewire/file/journal.hpp>

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace tidewire::file {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// The check value of the algorithm, and the examples of RFC 3720, appendix B.4.
TEST(crc32c, agrees_with_published_values) {
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c({}), 0u);
  std::vector<std::byte> thirty_two(32, std::byte{0});
  EXPECT_EQ(crc32c(thirty_two), 0x8a9136aau);
  std::fill(thirty_two.begin(), thirty_two.end(), std::byte{0xff});
  EXPECT_EQ(crc32c(thirty_two), 0x62a8ab43u);
  for (std::size_t i = 0; i < thirty_two.size(); ++i) thirty_two[i] = static_cast<std::byte>(i);
  EXPECT_EQ(crc32c(thirty_two), 0x46dd794eu);
}

TEST(crc32c, continues_where_the_previous_part_ended) {
  auto text = bytes_of("data that keeps moving over networks that fail");
  auto whole = crc32c(text);
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(crc32c(text.subspan(cut), crc32c(text.first(cut))), whole) << cut;
}

TEST(crc32c, instruction_and_table_agree_at_every_length_and_alignment) {
  if (!detail::crc32c_has_instruction()) GTEST_SKIP() << "this processor has no crc32 instruction";
  rng random(7);
  std::vector<std::byte> data(128);
  for (auto& byte : data) byte = static_cast<std::byte>(random());
  for (std::size_t begin = 0; begin < 16; ++begin) {
    for (std::size_t size = 0; begin + size <= data.size(); ++size) {
      auto part = std::span<const std::byte>(data).subspan(begin, size);
      auto state = static_cast<std::uint32_t>(random());
      ASSERT_EQ(detail::crc32c_instruction(state, part), detail::crc32c_table(state, part))
          << begin << " " << size;
    }
  }
}

}  // namespace
}  // namespace tidewire::file
