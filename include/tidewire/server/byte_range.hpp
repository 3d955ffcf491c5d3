#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tidewire::server {

struct byte_range {
  std::uint64_t first, last;  // both included

  std::uint64_t size() const { return last - first + 1; }
  friend bool operator==(const byte_range&, const byte_range&) = default;
};

// What a Range field asks of a representation.
struct range_selection {
  enum class kind {
    whole,          // no range, or one that a server may ignore: 200
    partial,        // `ranges`, at least one, none overlapping another: 206
    unsatisfiable,  // 416
  };
  kind what = kind::whole;
  std::vector<byte_range> ranges;
};

// Reads a Range field value for a representation of `size` bytes (RFC 9110, 14.1.2 and 14.2).
// Malformed sets, other units, more than `max_ranges` and more than two overlapping ranges give the
// whole, as 14.2 allows: they come from a broken client or an attack. Two overlapping or adjoining
// ranges are joined.
range_selection select_ranges(std::string_view field, std::uint64_t size, std::size_t max_ranges);

}  // namespace tidewire::server
