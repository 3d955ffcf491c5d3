#include "queue/queue_core.hpp"

#include <algorithm>
#include <utility>

// Recurring tasks.
namespace tidewire::queue {
namespace {

// The wall clock may jump: nobody sleeps longer than this on its word.
constexpr std::chrono::seconds longest_sleep = std::chrono::minutes(1);
// Errors of the store: the tick is tried again for this long.
constexpr std::chrono::seconds tried_again = std::chrono::seconds(10);

}  // namespace

void queue_core::schedule(std::string name, cron_schedule when, new_task task) {
  auto now = std::chrono::floor<std::chrono::seconds>(clock_.wall_now());
  recurring r{std::move(when), std::move(task), now};
  schedules_.insert_or_assign(std::move(name), std::move(r));
  arm_tick();
}

void queue_core::arm_tick() {
  if (stopping_ || schedules_.empty()) return;
  auto now = clock_.wall_now();
  std::chrono::nanoseconds sleep = longest_sleep;
  for (auto& [name, r] : schedules_)
    sleep = std::min<std::chrono::nanoseconds>(sleep, r.when.next(r.last) - now);
  tick_timer_.expires_after(sleep);
  tick_timer_.async_wait([weak = weak_from_this()](error_code ec) {
    auto self = weak.lock();
    if (!ec && self && !self->stopping_) self->tick();
  });
}

// Of several ticks that were missed, as after a jump of the clock, the last one counts. The store
// takes each tick once, so a clock that was set back repeats nothing.
void queue_core::tick() {
  auto now = std::chrono::floor<std::chrono::seconds>(clock_.wall_now());
  std::vector<new_task> due;
  for (auto& [name, r] : schedules_) {
    if (now < r.last - std::chrono::hours(1)) r.last = now;
    if (r.when.next(r.last) > now) continue;
    auto at = r.when.last(now).value_or(now);
    auto task = r.task;
    task.tick = schedule_tick{name, at.time_since_epoch().count()};
    fill(task);
    due.push_back(std::move(task));
    r.last = now;
  }
  arm_tick();
  if (!due.empty()) insert_ticks(std::move(due), clock_.now() + tried_again);
}

// Again and again until the store has taken them, or it is too late.
void queue_core::insert_ticks(std::vector<new_task> due, clock::time_point until) {
  if (stopping_ || clock_.now() > until) return;
  auto copy = due;
  desk->insert(std::move(copy), [weak = weak_from_this(), ex = strand, until, due = std::move(due)](
                                    error_code ec, const std::vector<insert_outcome>&) {
    auto self = weak.lock();
    if (!self) return;
    self->wake();
    if (!ec) return;
    auto later = std::make_shared<timer>(ex);
    later->expires_after(std::chrono::seconds(1));
    later->async_wait([weak, later, until, due](error_code aborted) {
      auto core = weak.lock();
      if (core && !aborted) core->insert_ticks(due, until);
    });
  });
}

}  // namespace tidewire::queue
