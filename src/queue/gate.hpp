#pragma once

#include <tidewire/queue/task.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace tidewire::queue {

// What lets the tasks of one limit through: so many at once, so many in a period (the generic cell
// rate algorithm: after a rest the whole period's share at once, then evenly). Pure.
struct gate {
  std::uint32_t max_running = 0, max_starts = 0;
  milliseconds period{1000};
  std::uint32_t running = 0;
  // When all that has started would have been spread evenly, in microseconds.
  std::int64_t spread_until_us = 0;

  void set(const task_limit& limit) {
    max_running = limit.max_running;
    max_starts = limit.max_starts;
    period = limit.period;
  }
  std::int64_t interval_us() const {
    return std::max<std::int64_t>(1, period.count() * 1000 / max_starts);
  }

  // Since when, by the rate, the next one may start.
  queue_time opens_at() const {
    if (max_starts == 0) return queue_time{};
    auto slack = period.count() * 1000 - interval_us();
    auto us = spread_until_us - slack;
    return queue_time(milliseconds(us <= 0 ? 0 : (us + 999) / 1000));
  }
  bool has_room() const { return max_running == 0 || running < max_running; }
  bool open(queue_time now) const { return has_room() && opens_at() <= now; }
  void enter(queue_time now) {
    ++running;
    if (max_starts == 0) return;
    spread_until_us =
        std::max(spread_until_us, now.time_since_epoch().count() * 1000) + interval_us();
  }
  void leave() {
    if (running > 0) --running;
  }
  // Nothing of the past matters any more.
  bool forgettable(queue_time now) const {
    return running == 0 &&
           (max_starts == 0 || spread_until_us <= now.time_since_epoch().count() * 1000);
  }
};

}  // namespace tidewire::queue
