#include "realtime/connection_fsm.hpp"

#include <algorithm>
#include <utility>

namespace tidewire::realtime {
namespace {

using kind = fsm_action::kind;

fsm_action simply(kind what) {
  fsm_action a{what};
  return a;
}

fsm_action about_socket(kind what, std::uint64_t generation, bool refresh = false) {
  fsm_action a{what};
  a.generation = generation;
  a.refresh = refresh;
  return a;
}

fsm_action connected(mode m) {
  fsm_action a{kind::connected};
  a.mode = m;
  return a;
}

fsm_action disconnected(std::string reason, bool intentional) {
  fsm_action a{kind::disconnected};
  a.reason = std::move(reason);
  a.intentional = intentional;
  return a;
}

}  // namespace

const char* name_of(mode m) noexcept {
  switch (m) {
    case mode::websocket:
      return "websocket";
    case mode::polling:
      return "polling";
    case mode::disconnected:
    default:
      return "disconnected";
  }
}

connection_fsm::actions connection_fsm::connect(clock::time_point now) {
  actions out;
  waiting_callers_ = true;
  if (phase_ == phase::stopped) {
    finish_connect(out, connect_outcome::stopped);
  } else if (mode_ != mode::disconnected) {
    finish_connect(out, connect_outcome::connected);
  } else if (phase_ == phase::idle) {
    if (!online_)
      phase_ = phase::parked;
    else if (options_.websocket)
      attempt(out, now, false);
    else
      fall_back(out, {}, now);
  }
  return out;
}

void connection_fsm::attempt(actions& out, clock::time_point now, bool refresh) {
  phase_ = phase::connecting;
  deadline_ = now + options_.connect_timeout;
  out.push_back(about_socket(kind::open_socket, ++generation_, refresh));
}

connection_fsm::actions connection_fsm::welcomed(std::uint64_t generation, clock::time_point now) {
  actions out;
  if (generation != generation_ || phase_ != phase::connecting) return out;
  phase_ = phase::open;
  deadline_.reset();
  opened_ = now;
  refreshed_ = fallen_back_ = false;
  mode_ = mode::websocket;
  out.push_back(connected(mode_));
  finish_connect(out, connect_outcome::connected);
  return out;
}

connection_fsm::actions connection_fsm::proved(std::uint64_t generation) {
  actions out;
  if (generation == generation_ && phase_ == phase::open) set_polling(out, false);
  return out;
}

connection_fsm::actions connection_fsm::failed(std::uint64_t generation, socket_failure failure,
                                               clock::time_point now) {
  actions out;
  bool was_open = phase_ == phase::open;
  if (generation != generation_ || (!was_open && phase_ != phase::connecting)) return out;
  if (was_open) lose(out, failure, now);
  // Credentials that ran out are no fault of the network: no attempt is used up. Once only.
  if (failure.unauthorized && !refreshed_ && online_) {
    refreshed_ = true;
    attempt(out, now, true);
    return out;
  }
  if (!was_open && established_) count_attempt();
  schedule(out, failure, now);
  return out;
}

void connection_fsm::lose(actions& out, const socket_failure& failure, clock::time_point now) {
  mode_ = mode::disconnected;
  established_ = true;
  if (now - opened_ >= options_.stable_after)
    attempts_ = 0;
  else
    count_attempt();
  out.push_back(disconnected(failure.reason, false));
  // At once: nothing may be missed between the loss of the socket and the first poll.
  if (options_.polling) set_polling(out, true);
}

void connection_fsm::count_attempt() {
  attempts_ = std::min(attempts_ + 1, options_.max_reconnect_attempts);
}

void connection_fsm::schedule(actions& out, const socket_failure& failure, clock::time_point now) {
  if (!online_) {
    phase_ = phase::parked;
    deadline_.reset();
  } else if (fallen_back_) {
    if (!options_.polling) finish_connect(out, outcome_of(failure));
    wait(options_.probe, ++probes_, failure, now);
  } else if (established_ && attempts_ < options_.max_reconnect_attempts) {
    wait(options_.reconnect, attempts_, failure, now);
  } else {
    fall_back(out, failure, now);
  }
}

void connection_fsm::wait(const backoff& delays, std::uint32_t failures,
                          const socket_failure& failure, clock::time_point now) {
  phase_ = phase::waiting;
  auto asked = std::clamp(failure.retry_after.value_or(clock::duration(0)), clock::duration(0),
                          options_.max_retry_after);
  deadline_ = now + asked + delays.delay(failures, random_);
}

// Polling takes over, and sockets are tried beside it for ever.
void connection_fsm::fall_back(actions& out, const socket_failure& failure, clock::time_point now) {
  established_ = false;
  fallen_back_ = true;
  attempts_ = probes_ = 0;
  if (options_.polling) {
    mode_ = mode::polling;
    set_polling(out, true);
    out.push_back(connected(mode_));
  }
  finish_connect(out, outcome_of(failure));
  wait(options_.probe, probes_, failure, now);
  if (!options_.websocket) deadline_.reset();
}

connect_outcome connection_fsm::outcome_of(const socket_failure& failure) const {
  if (failure.unauthorized) return connect_outcome::unauthorized;
  return options_.polling ? connect_outcome::connected : connect_outcome::unreachable;
}

connection_fsm::actions connection_fsm::timer(clock::time_point now) {
  actions out;
  if (!deadline_ || now < *deadline_) return out;
  if (phase_ == phase::waiting) {
    refreshed_ = false;
    attempt(out, now, false);
  } else if (phase_ == phase::connecting) {
    out.push_back(about_socket(kind::drop_socket, generation_));
    auto more = failed(generation_, {"no welcome in time"}, now);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

connection_fsm::actions connection_fsm::network(bool online, clock::time_point now) {
  actions out;
  if (std::exchange(online_, online) == online) return out;
  if (!online && phase_ == phase::waiting) {
    phase_ = phase::parked;
    deadline_.reset();
  } else if (online && phase_ == phase::parked) {
    if (options_.websocket)
      attempt(out, now, false);
    else if (mode_ == mode::polling)
      phase_ = phase::waiting;
    else
      fall_back(out, {}, now);
  }
  return out;
}

connection_fsm::actions connection_fsm::stop() {
  actions out;
  if (phase_ == phase::stopped) return out;
  if (phase_ == phase::connecting || phase_ == phase::open)
    out.push_back(about_socket(kind::drop_socket, generation_));
  bool begun = phase_ != phase::idle;
  phase_ = phase::stopped;
  deadline_.reset();
  set_polling(out, false);
  mode_ = mode::disconnected;
  if (begun) out.push_back(disconnected("stopped", true));
  finish_connect(out, connect_outcome::stopped);
  return out;
}

void connection_fsm::set_polling(actions& out, bool on) {
  if (std::exchange(polling_, on) == on) return;
  out.push_back(simply(on ? kind::start_polling : kind::stop_polling));
}

void connection_fsm::finish_connect(actions& out, connect_outcome outcome) {
  if (!std::exchange(waiting_callers_, false)) return;
  fsm_action a{kind::finish_connect};
  a.outcome = outcome;
  a.mode = mode_;
  out.push_back(a);
}

}  // namespace tidewire::realtime
