#pragma once

#include <tidewire/queue/task_store.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace tidewire::queue {

// Which lane is served next. The wheel has ten places, six high, three medium, one low, well mixed
// (smooth weighted round robin); it stops at the next place whose lane has a ready task. A place is
// passed only when its lane has none, so a ready low task is served within ten claims. The position
// is kept with the tasks, so that it holds over all workers.
class lane_wheel {
 public:
  explicit lane_wheel(std::uint32_t position = 0) : position_(position % places.size()) {}
  std::uint32_t position() const { return position_; }

  // `ready`: whether a lane has a task to give. Nothing when none has.
  std::optional<priority> next(lane_policy policy, const std::array<bool, priorities>& ready) {
    if (policy == lane_policy::strict) {
      for (std::size_t lane = 0; lane < priorities; ++lane)
        if (ready[lane]) return static_cast<priority>(lane);
      return std::nullopt;
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      auto lane = places[position_];
      position_ = static_cast<std::uint32_t>((position_ + 1) % places.size());
      if (ready[static_cast<std::size_t>(lane)]) return lane;
    }
    return std::nullopt;
  }

 private:
  static constexpr auto h = priority::high, m = priority::medium, l = priority::low;
  static constexpr std::array<priority, claims_until_low> places{h, m, h, h, m, h, l, h, m, h};

  std::uint32_t position_;
};

}  // namespace tidewire::queue
