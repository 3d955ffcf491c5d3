#include "loop.hpp"

#include <tidewire/lab/world.hpp>

namespace tidewire::lab {

detail::loop_owner::loop_owner() : owned_loop(std::make_unique<loop>()) {}
detail::loop_owner::~loop_owner() = default;

world::world(std::uint64_t seed) : process(*owned_loop), seed_(seed) {
  note("world", {seed});
}

world::~world() {
  kill();
  owned_loop->discard(nullptr);
}

world::time_point world::now() const noexcept {
  return owned_loop->now_;
}

std::chrono::system_clock::time_point world::wall_now() const noexcept {
  return owned_loop->wall_now();
}

void world::jump_wall_clock(duration by) {
  note("wall_clock", {static_cast<std::uint64_t>(by.count())});
  owned_loop->wall_offset_ += std::chrono::duration_cast<std::chrono::system_clock::duration>(by);
}

void world::suspend(duration asleep) {
  note("suspend", {static_cast<std::uint64_t>(asleep.count())});
  owned_loop->now_ += asleep;
}

std::size_t world::run_until(time_point when) {
  auto& l = *owned_loop;
  l.stopped_ = false;
  auto before = l.steps_;
  while (l.may_go_on() && l.step(when)) {
  }
  if (l.may_go_on()) l.now_ = std::max(l.now_, when);
  return l.steps_ - before;
}

std::size_t world::run_until_idle() {
  auto& l = *owned_loop;
  l.stopped_ = false;
  auto before = l.steps_;
  while (l.may_go_on() && l.step(time_point::max())) {
  }
  return l.steps_ - before;
}

bool world::run_while(const std::function<bool()>& wanted) {
  auto& l = *owned_loop;
  l.stopped_ = false;
  while (wanted()) {
    if (!l.may_go_on() || !l.step(time_point::max())) return false;
  }
  return true;
}

void world::stop() noexcept {
  owned_loop->stopped_ = true;
}
std::uint64_t world::steps() const noexcept {
  return owned_loop->steps_;
}
void world::set_step_limit(std::uint64_t limit) noexcept {
  owned_loop->step_limit_ = limit;
}
bool world::step_limit_reached() const noexcept {
  return owned_loop->steps_ >= owned_loop->step_limit_;
}

event_id world::schedule(time_point when, detail::task work) {
  return owned_loop->schedule(*this, when, std::move(work));
}

bool world::cancel(event_id event) {
  return owned_loop->cancel(event);
}

void world::note(std::string_view site, std::initializer_list<std::uint64_t> values) noexcept {
  owned_loop->note(site, values);
}

std::uint64_t world::trace_hash() const noexcept {
  return owned_loop->hash_;
}

}  // namespace tidewire::lab
