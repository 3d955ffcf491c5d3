#include "loop.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tidewire::lab::detail {

loop::loop() : ring_(1024) {
  using namespace std::chrono;
  auto start = sys_days(year(2024) / January / 1).time_since_epoch();
  wall_offset_ = duration_cast<system_clock::duration>(start - now_.time_since_epoch());
}

loop::~loop() = default;

void loop::push(process& owner, task work) {
  if (queued_ == ring_.size()) grow();
  auto& place = ring_[(first_ + queued_++) & (ring_.size() - 1)];
  place.owner = &owner;
  place.work = std::move(work);
}

void loop::grow() {
  std::vector<ready> larger(ring_.size() * 2);
  for (std::size_t i = 0; i < queued_; ++i)
    larger[i] = std::move(ring_[(first_ + i) & (ring_.size() - 1)]);
  ring_ = std::move(larger);
  first_ = 0;
}

event_id loop::schedule(process& owner, time_point when, task work) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  auto slot = free_slots_.back();
  free_slots_.pop_back();
  slots_[slot].work = std::move(work);
  slots_[slot].owner = &owner;
  heap_.push_back({});
  put(heap_.size() - 1, {when, sequence_++, slot});
  sift_up(heap_.size() - 1);
  return {slot, slots_[slot].generation};
}

bool loop::cancel(event_id id) {
  if (id.slot >= slots_.size() || slots_[id.slot].generation != id.generation) return false;
  auto item = take(slots_[id.slot].place);
  item.work(false);
  return true;
}

void loop::discard(const process* owner) {
  for (;;) {
    std::vector<ready> doomed;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < queued_; ++i) {
      auto& item = ring_[(first_ + i) & (ring_.size() - 1)];
      if (!owner || item.owner == owner)
        doomed.push_back(std::move(item));
      else if (auto& to = ring_[(first_ + kept++) & (ring_.size() - 1)]; &to != &item)
        to = std::move(item);
    }
    queued_ = kept;
    for (std::size_t i = heap_.size(); i-- > 0;) {
      // Removal may bring a later entry to this place; it was looked at before, unless it came
      // from further ahead, which the next round finds.
      if (i < heap_.size() && (!owner || slots_[heap_[i].slot].owner == owner))
        doomed.push_back(take(i));
    }
    if (doomed.empty()) return;
  }
}

bool loop::step(time_point limit) {
  if (queued_ > 0) {
    auto item = std::move(ring_[first_]);
    first_ = (first_ + 1) & (ring_.size() - 1);
    --queued_;
    run(std::move(item), true);
    return true;
  }
  if (heap_.empty() || heap_.front().when > limit) return false;
  now_ = std::max(now_, heap_.front().when);
  mix(heap_.front().sequence);
  mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  run(take(0), true);
  return true;
}

void loop::run(ready item, bool fired) {
  ++steps_;
  // What a dead process still had queued is destroyed here, never run.
  if (!item.owner->alive()) return;
  running_ = true;
  item.work(fired);
  running_ = false;
}

void loop::put(std::size_t place, entry e) noexcept {
  heap_[place] = e;
  slots_[e.slot].place = static_cast<std::uint32_t>(place);
}

void loop::sift_up(std::size_t place) noexcept {
  auto moving = heap_[place];
  while (place > 0) {
    auto parent = (place - 1) / 4;
    if (!(moving < heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, moving);
}

void loop::sift_down(std::size_t place) noexcept {
  auto moving = heap_[place];
  for (;;) {
    auto child = place * 4 + 1;
    if (child >= heap_.size()) break;
    auto least = child;
    auto end = std::min(child + 4, heap_.size());
    for (auto i = child + 1; i < end; ++i)
      if (heap_[i] < heap_[least]) least = i;
    if (!(heap_[least] < moving)) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, moving);
}

loop::ready loop::take(std::size_t place) noexcept {
  auto slot = heap_[place].slot;
  auto last = heap_.back();
  heap_.pop_back();
  if (place < heap_.size()) {
    put(place, last);
    sift_up(place);
    sift_down(slots_[last.slot].place);
  }
  auto& taken = slots_[slot];
  ++taken.generation;
  free_slots_.push_back(slot);
  return {taken.owner, std::move(taken.work)};
}

// FNV-1a over words rather than bytes, with a rotation so that high bits come down again.
void loop::mix(std::uint64_t word) noexcept {
  hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15ULL;
  hash_ ^= hash_ >> 29;
}

void loop::note(std::string_view site, std::initializer_list<std::uint64_t> values) noexcept {
  while (!site.empty()) {
    std::uint64_t word = 0;
    auto n = std::min(site.size(), sizeof word);
    std::memcpy(&word, site.data(), n);
    mix(word);
    site.remove_prefix(n);
  }
  mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  for (auto value : values) mix(value);
}

}  // namespace tidewire::lab::detail
