#pragma once

#include <tidewire/file/filesystem.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tidewire::file::testing {

// A file in memory whose every byte a test can touch, and that can become full.
class memory_handle final : public handle {
 public:
  std::vector<std::byte> bytes;
  std::uint64_t capacity = UINT64_MAX;
  int writes = 0;

  result<void> write_at(std::uint64_t offset, std::span<const std::byte> data) override {
    ++writes;
    auto room = capacity > offset ? capacity - offset : 0;
    auto fits = data.first(std::min<std::uint64_t>(room, data.size()));
    if (bytes.size() < offset + fits.size()) bytes.resize(offset + fits.size());
    std::copy(fits.begin(), fits.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    if (fits.size() < data.size()) return make_error_code(boost::system::errc::no_space_on_device);
    return {};
  }

  result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> space) override {
    if (offset >= bytes.size()) return std::size_t{0};
    auto size = std::min<std::uint64_t>(space.size(), bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), size, space.begin());
    return static_cast<std::size_t>(size);
  }

  result<std::uint64_t> size() override { return std::uint64_t{bytes.size()}; }

  result<void> truncate(std::uint64_t size) override {
    bytes.resize(size);
    return {};
  }

  result<void> sync() override { return {}; }
};

}  // namespace tidewire::file::testing
