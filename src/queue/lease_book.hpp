#pragma once

#include <tidewire/queue/task_store.hpp>

#include <cstddef>
#include <mutex>
#include <vector>

namespace tidewire::queue {

// The leases that this process holds. Written where tasks begin and end, read where they are
// renewed, which is another thread: a handler that blocks the first one loses nothing.
class lease_book {
 public:
  std::size_t add(held_lease lease) {
    std::lock_guard lock(mutex_);
    ++held_;
    if (free_.empty()) {
      slots_.push_back(lease);
      return slots_.size() - 1;
    }
    auto slot = free_.back();
    free_.pop_back();
    slots_[slot] = lease;
    return slot;
  }

  void remove(std::size_t slot) {
    std::lock_guard lock(mutex_);
    if (slots_[slot].id == 0) return;
    slots_[slot] = {};
    free_.push_back(slot);
    --held_;
  }

  std::vector<held_lease> all() const {
    std::lock_guard lock(mutex_);
    std::vector<held_lease> out;
    for (auto& lease : slots_)
      if (lease.id != 0) out.push_back(lease);
    return out;
  }

  bool empty() const {
    std::lock_guard lock(mutex_);
    return held_ == 0;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<held_lease> slots_;  // id 0: free
  std::vector<std::size_t> free_;
  std::size_t held_ = 0;
};

}  // namespace tidewire::queue
