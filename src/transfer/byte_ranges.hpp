#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidewire::transfer {

// [begin, end) of a file.
struct byte_range {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t size() const { return end - begin; }
  bool empty() const { return begin >= end; }
  friend bool operator==(const byte_range&, const byte_range&) = default;
};

// A set of bytes of a file, as sorted ranges that neither touch nor overlap.
class range_set {
 public:
  void add(byte_range r);
  void remove(byte_range r);
  void clear() { ranges_.clear(); }

  bool contains(byte_range r) const;
  std::uint64_t bytes() const;
  bool empty() const { return ranges_.empty(); }
  // The end of the piece that begins at 0.
  std::uint64_t prefix() const;
  // What is missing of [0, total).
  std::vector<byte_range> gaps(std::uint64_t total) const;
  const std::vector<byte_range>& ranges() const { return ranges_; }

  friend bool operator==(const range_set&, const range_set&) = default;

 private:
  std::vector<byte_range> ranges_;
};

// The same ranges drawn with a coarser pen: at most `most` of them, joined over the smallest gaps.
std::vector<byte_range> coarsened(const std::vector<byte_range>& ranges, std::size_t most);

}  // namespace tidewire::transfer
