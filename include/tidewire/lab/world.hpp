#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/core/rng.hpp>
#include <tidewire/lab/process.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

namespace tidewire::lab {

namespace detail {
// A base of world, so that the loop is there before, and goes after, the process part of it.
struct loop_owner {
  loop_owner();
  ~loop_owner();
  std::unique_ptr<loop> owned_loop;
};
}  // namespace detail

// Names a call scheduled with world::at() or after().
struct event_id {
  std::uint32_t slot = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t generation = 0;
};

// Virtual time and the loop that runs everything under test in one thread: handlers first in, first
// out; when none is ready, time jumps to the earliest timer (equal deadlines in the order in which
// the waits began). No reactor, no system calls, nothing that depends on the machine: the same seed
// gives the same run, which trace_hash() proves.
//
// A world is itself a process (see there); further ones share its loop and can be killed. Declare
// the world first: everything that uses it must go before it. Handlers still pending at its
// destruction are destroyed, not run.
class world : private detail::loop_owner, public process {
 public:
  using time_point = clock::time_point;
  using duration = clock::duration;

  // Virtual time starts an hour after the clock's zero, the wall clock at 2024-01-01T00:00:00Z.
  explicit world(std::uint64_t seed = 1);
  ~world();

  std::uint64_t seed() const noexcept { return seed_; }
  // The generator of a named site; see rng::stream.
  rng random(std::string_view site) const noexcept { return rng(seed_).stream(site); }

  time_point now() const noexcept;
  std::chrono::system_clock::time_point wall_now() const noexcept;
  // Somebody set the clock: wall_now() jumps, now() does not.
  void jump_wall_clock(duration by);
  // The laptop sleeps: both clocks move on and nothing runs meanwhile. Timers then fire late.
  void suspend(duration asleep);

  // Each runs ready handlers and due timers and says how many. They return early when stop() was
  // called or the step limit was reached. Not reentrant.
  std::size_t run_until(time_point when);  // now() == when afterwards
  std::size_t run_for(duration d) { return run_until(now() + d); }
  std::size_t run_until_idle();  // until nothing is pending
  // Runs while the predicate, asked before each step, is true; false when nothing is left to run.
  bool run_while(const std::function<bool()>& wanted);
  void stop() noexcept;

  // Steps are handlers and timers run. With a limit a livelock ends the run instead of the
  // patience.
  std::uint64_t steps() const noexcept;
  void set_step_limit(std::uint64_t limit) noexcept;
  bool step_limit_reached() const noexcept;

  // Calls `call()` at a time, between handlers. A past time means as soon as possible.
  template <class F>
  event_id at(time_point when, F call) {
    return schedule(when, detail::task([c = std::move(call)](bool fired) mutable {
                      if (fired) c();
                    }));
  }
  template <class F>
  event_id after(duration delay, F call) {
    return at(now() + delay, std::move(call));
  }
  // False when it ran already.
  bool cancel(event_id event);

  // Mixes an event into the trace: what happened, where, and now() itself.
  void note(std::string_view site, std::initializer_list<std::uint64_t> values = {}) noexcept;
  std::uint64_t trace_hash() const noexcept;

 private:
  friend class process;
  event_id schedule(time_point when, detail::task work);

  std::uint64_t seed_;
};

}  // namespace tidewire::lab
