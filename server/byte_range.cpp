#include <tidewire/http/fields.hpp>
#include <tidewire/server/byte_range.hpp>

#include <algorithm>
#include <limits>
#include <optional>

namespace tidewire::server {
namespace {

std::string_view trim(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// Digits only. A number that doesn't fit is the largest one: it lies behind the end all the same.
std::optional<std::uint64_t> number(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  constexpr auto max = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (max - digit) / 10 ? max : value * 10 + digit;
  }
  return value;
}

enum class verdict { malformed, outside, inside };

// One range-spec: "first-last", "first-" or "-suffix".
verdict parse_one(std::string_view spec, std::uint64_t size, byte_range& out) {
  auto dash = spec.find('-');
  if (dash == spec.npos) return verdict::malformed;
  auto left = spec.substr(0, dash);
  auto right = spec.substr(dash + 1);
  if (left.empty()) {
    auto suffix = number(right);
    if (!suffix) return verdict::malformed;
    if (*suffix == 0 || size == 0) return verdict::outside;
    out = {size - std::min(*suffix, size), size - 1};
    return verdict::inside;
  }
  auto first = number(left);
  auto last = right.empty() ? std::numeric_limits<std::uint64_t>::max() : number(right);
  if (!first || !last || *last < *first) return verdict::malformed;
  if (*first >= size) return verdict::outside;
  out = {*first, std::min(*last, size - 1)};
  return verdict::inside;
}

// Joins overlapping and adjoining ranges; counts those that overlapped. The client's order is kept
// when nothing had to be joined.
std::size_t join(std::vector<byte_range>& ranges) {
  auto sorted = ranges;
  std::sort(sorted.begin(), sorted.end(),
            [](const byte_range& a, const byte_range& b) { return a.first < b.first; });
  std::vector<byte_range> joined;
  std::size_t overlaps = 0;
  for (const auto& r : sorted) {
    if (joined.empty() || r.first > joined.back().last + 1) {
      joined.push_back(r);
      continue;
    }
    if (r.first <= joined.back().last) ++overlaps;
    joined.back().last = std::max(joined.back().last, r.last);
  }
  if (joined.size() < ranges.size()) ranges = std::move(joined);
  return overlaps;
}

}  // namespace

range_selection select_ranges(std::string_view field, std::uint64_t size, std::size_t max_ranges) {
  using kind = range_selection::kind;
  range_selection whole;
  auto equals = field.find('=');
  if (equals == field.npos || !http::iequals(trim(field.substr(0, equals)), "bytes")) return whole;
  auto rest = field.substr(equals + 1);
  range_selection out;
  std::size_t specs = 0;
  for (bool more = true; more;) {
    auto comma = rest.find(',');
    more = comma != rest.npos;
    auto spec = trim(rest.substr(0, comma));
    if (more) rest.remove_prefix(comma + 1);
    if (spec.empty()) continue;  // RFC 9110, 5.6.1.2: empty list elements are ignored
    if (++specs > max_ranges) return whole;
    byte_range range{};
    auto found = parse_one(spec, size, range);
    if (found == verdict::malformed) return whole;
    if (found == verdict::inside) out.ranges.push_back(range);
  }
  if (specs == 0) return whole;
  // Two ranges that overlap are one join; a second join means more than two.
  if (join(out.ranges) > 1) return whole;
  out.what = out.ranges.empty() ? kind::unsatisfiable : kind::partial;
  return out;
}

}  // namespace tidewire::server
