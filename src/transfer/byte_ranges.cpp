#include "transfer/byte_ranges.hpp"

#include <algorithm>
#include <numeric>

namespace tidewire::transfer {
namespace {

// The first range that ends at or behind `position`.
auto first_reaching(auto& ranges, std::uint64_t position) {
  return std::lower_bound(ranges.begin(), ranges.end(), position,
                          [](const byte_range& r, std::uint64_t p) { return r.end < p; });
}

}  // namespace

void range_set::add(byte_range r) {
  if (r.empty()) return;
  auto first = first_reaching(ranges_, r.begin);
  auto last = first;
  for (; last != ranges_.end() && last->begin <= r.end; ++last) {
    r.begin = std::min(r.begin, last->begin);
    r.end = std::max(r.end, last->end);
  }
  if (first == last) {
    ranges_.insert(first, r);
    return;
  }
  *first = r;
  ranges_.erase(first + 1, last);
}

void range_set::remove(byte_range r) {
  if (r.empty()) return;
  std::vector<byte_range> left;
  left.reserve(ranges_.size() + 1);
  for (auto& old : ranges_) {
    byte_range before{old.begin, std::min(old.end, r.begin)};
    byte_range after{std::max(old.begin, r.end), old.end};
    if (!before.empty()) left.push_back(before);
    if (!after.empty()) left.push_back(after);
  }
  ranges_ = std::move(left);
}

bool range_set::contains(byte_range r) const {
  if (r.empty()) return true;
  auto it = first_reaching(ranges_, r.begin + 1);
  return it != ranges_.end() && it->begin <= r.begin && r.end <= it->end;
}

std::uint64_t range_set::bytes() const {
  std::uint64_t sum = 0;
  for (auto& r : ranges_) sum += r.size();
  return sum;
}

std::uint64_t range_set::prefix() const {
  return !ranges_.empty() && ranges_.front().begin == 0 ? ranges_.front().end : 0;
}

std::vector<byte_range> range_set::gaps(std::uint64_t total) const {
  std::vector<byte_range> missing;
  std::uint64_t position = 0;
  for (auto& r : ranges_) {
    if (r.begin >= total) break;
    if (r.begin > position) missing.push_back({position, r.begin});
    position = r.end;
  }
  if (position < total) missing.push_back({position, total});
  return missing;
}

std::vector<byte_range> coarsened(const std::vector<byte_range>& ranges, std::size_t most) {
  if (ranges.size() <= most || most == 0) return most == 0 ? std::vector<byte_range>() : ranges;
  // The most - 1 widest gaps stay; of equal ones the first.
  std::vector<std::size_t> behind(ranges.size() - 1);
  std::iota(behind.begin(), behind.end(), std::size_t{0});
  auto gap = [&](std::size_t i) { return ranges[i + 1].begin - ranges[i].end; };
  std::stable_sort(behind.begin(), behind.end(),
                   [&](std::size_t a, std::size_t b) { return gap(a) > gap(b); });
  behind.resize(most - 1);
  std::sort(behind.begin(), behind.end());
  std::vector<byte_range> out;
  auto begin = ranges.front().begin;
  for (auto i : behind) {
    out.push_back({begin, ranges[i].end});
    begin = ranges[i + 1].begin;
  }
  out.push_back({begin, ranges.back().end});
  return out;
}

}  // namespace tidewire::transfer
