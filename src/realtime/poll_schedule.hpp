#pragma once

#include "realtime/change_tracker.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/core/rng.hpp>
#include <tidewire/core/types.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace tidewire::realtime {

// What a poll came to, as far as the next one depends on it.
enum class poll_outcome {
  changed,
  unchanged,  // 304 among others: a success (law P3)
  failed,     // one more error in a row
  deferred,   // the server named a time to come back: no error of ours, and no success either
  refused,    // a definite no: nothing will be asked again
};

// A failure with a Retry-After is a deferral. Only errc::refused and an argument that can't be used
// end the polling at once: whatever else went wrong is asked again, at the pace of errors.
poll_outcome outcome_of(const error_code& error, bool changed, bool retry_after);

enum class polling_state { going_on, refused, too_many_errors };

// When to poll next, and whether at all (laws P2, P3 and P5). Pure: time and randomness are
// arguments.
class poll_schedule {
 public:
  using ns = std::chrono::nanoseconds;

  // `long_poll`: the server holds requests back until there is something to say. Then the interval
  // is counted from the begin of a poll, so that an answer that was held for longer is followed by
  // the next request at once, while a server that ignores the wish is not hammered; and nothing is
  // adapted, since changes are told at once.
  poll_schedule(const poll_pace& pace, bool long_poll);

  // Polling begins, or begins again: errors are forgotten, a Retry-After is not.
  void start(clock::time_point first);
  void poll_began(clock::time_point now) { began_ = now; }
  void settle(poll_outcome outcome, std::optional<ns> retry_after, clock::time_point now,
              rng& random);

  // Nobody looks for a while: pause, or offline.
  void interrupt() { changes_.interrupt(); }
  // A change that was learnt of elsewhere: the next poll comes no later than after a change.
  void note_change();

  // The network is back: the next poll comes as soon as a Retry-After allows.
  void hurry(clock::time_point now) { due_ = std::max(now, not_before_); }

  polling_state state() const { return state_; }
  // When the next poll is due by itself, and before when nothing may be asked (Retry-After).
  clock::time_point due() const { return due_; }
  clock::time_point not_before() const { return not_before_; }
  // The wait chosen last; before the first one the interval.
  ns delay() const { return delay_; }
  // Of a healthy poller.
  ns interval() const { return changes_.interval(); }
  std::uint32_t consecutive_errors() const { return errors_; }

 private:
  void wait_after_success(std::optional<ns> retry_after, clock::time_point now);
  void wait_after_error(std::optional<ns> retry_after, clock::time_point now, rng& random);
  void wait(ns delay, clock::time_point now);

  poll_bounds bounds_;
  std::uint32_t max_errors_;
  ns max_retry_after_;
  bool long_poll_;
  change_tracker changes_;
  clock::time_point began_{}, settled_{}, due_{}, not_before_{};
  ns delay_;
  std::uint32_t errors_ = 0;
  polling_state state_ = polling_state::going_on;
};

}  // namespace tidewire::realtime
