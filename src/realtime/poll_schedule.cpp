#include "realtime/poll_schedule.hpp"

#include <tidewire/core/backoff.hpp>
#include <tidewire/core/error.hpp>
#include <tidewire/realtime/error.hpp>

#include <algorithm>

namespace tidewire::realtime {

poll_outcome outcome_of(const error_code& error, bool changed, bool retry_after) {
  if (!error) return changed ? poll_outcome::changed : poll_outcome::unchanged;
  if (error == errc::refused || error == tidewire::errc::invalid_argument)
    return poll_outcome::refused;
  return retry_after ? poll_outcome::deferred : poll_outcome::failed;
}

poll_schedule::poll_schedule(const poll_pace& pace, bool long_poll)
    : bounds_(pace),
      max_errors_(pace.max_consecutive_errors),
      max_retry_after_(std::clamp(pace.max_retry_after, ns(0), ns(std::chrono::hours(24 * 365)))),
      long_poll_(long_poll),
      changes_(bounds_, long_poll ? adaptation::none : pace.adapts),
      delay_(changes_.interval()) {}

void poll_schedule::start(clock::time_point first) {
  errors_ = 0;
  state_ = polling_state::going_on;
  delay_ = changes_.interval();
  changes_.interrupt();
  due_ = settled_ = std::max(first, not_before_);
}

void poll_schedule::settle(poll_outcome outcome, std::optional<ns> retry_after,
                           clock::time_point now, rng& random) {
  settled_ = now;
  if (retry_after) retry_after = std::clamp(*retry_after, ns(0), max_retry_after_);
  switch (outcome) {
    case poll_outcome::changed:
    case poll_outcome::unchanged:
      errors_ = 0;
      changes_.observe(outcome == poll_outcome::changed, now);
      return wait_after_success(retry_after, now);
    case poll_outcome::failed:
      ++errors_;
      if (max_errors_ > 0 && errors_ >= max_errors_) state_ = polling_state::too_many_errors;
      return wait_after_error(retry_after, now, random);
    case poll_outcome::deferred:
      return wait_after_error(retry_after, now, random);
    case poll_outcome::refused:
      state_ = polling_state::refused;
      return wait_after_error(retry_after, now, random);
  }
}

void poll_schedule::wait_after_success(std::optional<ns> retry_after, clock::time_point now) {
  auto delay = changes_.interval();
  if (long_poll_) delay = std::max(ns(0), delay - (now - began_));
  if (retry_after) {
    not_before_ = now + *retry_after;
    delay = std::max(delay, *retry_after);
  }
  wait(delay, now);
}

// Law P2. The window starts where a healthy poller, or a server that named a time, would have us
// come back, and its width grows with the errors: pollers that failed together do not come back
// together, also once the cap is reached.
void poll_schedule::wait_after_error(std::optional<ns> retry_after, clock::time_point now,
                                     rng& random) {
  changes_.interrupt();
  auto floor = changes_.interval();
  backoff window{floor, floor, bounds_.cap, bounds_.multiplier};
  auto delay = window.delay(std::max(errors_, 1U), random);
  if (retry_after) {
    not_before_ = now + *retry_after;
    delay += std::max(*retry_after - floor, ns(0));
  }
  wait(delay, now);
}

void poll_schedule::wait(ns delay, clock::time_point now) {
  delay_ = delay;
  due_ = now + delay;
}

void poll_schedule::note_change() {
  changes_.note_change();
  if (errors_ == 0 && state_ == polling_state::going_on)
    due_ = std::max(not_before_, std::min(due_, settled_ + changes_.interval()));
}

}  // namespace tidewire::realtime
