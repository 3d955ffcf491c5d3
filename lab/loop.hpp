#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/lab/detail/task.hpp>
#include <tidewire/lab/world.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <vector>

namespace tidewire::lab::detail {

// The run queue and the timer heap behind a world. Every entry belongs to a process, so that a kill
// finds what to destroy.
class loop {
 public:
  using time_point = clock::time_point;

  loop();
  ~loop();

  void push(process& owner, task work);
  event_id schedule(process& owner, time_point when, task work);
  // Takes the entry out and calls it with false. False when it is gone already.
  bool cancel(event_id id);
  // Destroys everything that belongs to `owner`, or everything at all for nullptr, until nothing is
  // left: destructors of coroutine frames may queue more.
  void discard(const process* owner);

  // One ready handler, or else the earliest timer if it is due by `limit`. False: neither.
  bool step(time_point limit);
  bool is_pending(event_id id) const noexcept {
    return id.slot < slots_.size() && slots_[id.slot].generation == id.generation;
  }
  std::chrono::system_clock::time_point wall_now() const noexcept {
    using wall = std::chrono::system_clock;
    return wall::time_point(std::chrono::duration_cast<wall::duration>(now_.time_since_epoch()) +
                            wall_offset_);
  }
  bool idle() const noexcept { return queued_ == 0 && heap_.empty(); }
  bool may_go_on() const noexcept { return !stopped_ && steps_ < step_limit_; }

  void note(std::string_view site, std::initializer_list<std::uint64_t> values) noexcept;

  bool running_ = false;  // within step()
  bool stopped_ = false;
  time_point now_{std::chrono::hours(1)};
  std::chrono::system_clock::duration wall_offset_{};
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::uint64_t steps_ = 0;
  std::uint64_t step_limit_ = std::numeric_limits<std::uint64_t>::max();

 private:
  struct ready {
    process* owner = nullptr;
    task work;
  };
  struct pending {
    task work;
    process* owner = nullptr;
    std::uint32_t generation = 0;
    std::uint32_t place = 0;  // in the heap
  };
  struct entry {
    time_point when;
    std::uint64_t sequence;
    std::uint32_t slot;
    bool operator<(const entry& other) const noexcept {
      return when != other.when ? when < other.when : sequence < other.sequence;
    }
  };

  void run(ready item, bool fired);
  void grow();
  void put(std::size_t place, entry e) noexcept;
  void sift_up(std::size_t place) noexcept;
  void sift_down(std::size_t place) noexcept;
  ready take(std::size_t place) noexcept;  // removes an entry from the heap, frees its slot
  void mix(std::uint64_t word) noexcept;

  // A ring, because a deque allocates on the way.
  std::vector<ready> ring_;
  std::size_t first_ = 0, queued_ = 0;

  std::vector<entry> heap_;
  std::vector<pending> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::uint64_t sequence_ = 0;
};

}  // namespace tidewire::lab::detail
