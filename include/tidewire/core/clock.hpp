#pragma once

#include <tidewire/core/types.hpp>

#include <chrono>

namespace tidewire {

class time_source;

// The only clock in the library: monotonic, in nanoseconds. It belongs to an executor's context, so
// that a process under test runs in the lab's virtual time and a program in the machine's.
//
// Cheap to copy. now() may be called from any thread. The context must outlive the clock.
class clock {
 public:
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<clock, duration>;
  static constexpr bool is_steady = true;

  explicit clock(const executor& ex);

  // Time since an arbitrary start; never goes back. Order and time-outs depend on it alone.
  time_point now() const noexcept;

  // Civil time, which may jump. For HTTP dates and for people; never for order, ids or leases.
  std::chrono::system_clock::time_point wall_now() const noexcept;

 private:
  time_source* source_;
};

}  // namespace tidewire
