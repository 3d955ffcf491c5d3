#pragma once

#include <tidewire/core/clock.hpp>

#include <algorithm>
#include <optional>

namespace tidewire::realtime {

// Whether the other side is still there. Any byte is life; after `quiet` without one a ping is due,
// and one that brings nothing within `patience` is missed: after two of these the socket is dead.
// Pure: asked by a timer and before each send, so that a machine that slept does not write into a
// socket that died meanwhile.
class heartbeat {
 public:
  static constexpr int max_missed = 2;
  static constexpr clock::duration shortest = std::chrono::milliseconds(1);
  enum class verdict { alive, ping, dead };

  heartbeat(clock::duration quiet, clock::duration patience)
      : quiet_(std::max(quiet, shortest)), patience_(std::max(patience, shortest)) {}

  // A new socket was heard.
  void begin(clock::time_point now) {
    heard_ = now;
    forget_pings();
  }
  // The server's word on how long it may be quiet.
  void quiet_for(clock::duration quiet) { quiet_ = std::max(quiet, shortest); }

  // `last_heard` as the socket tells. `ping`: send one and call again at deadline().
  verdict check(clock::time_point now, clock::time_point last_heard) {
    hear(last_heard);
    // Also when no ping was sent, since nobody was awake to do it.
    if (now - heard_ >= quiet_ + max_missed * patience_) return verdict::dead;
    if (now < deadline()) return verdict::alive;
    if (pings_ == max_missed) return verdict::dead;
    ping_now(now);
    return verdict::ping;
  }

  clock::time_point deadline() const { return pinged_ ? *pinged_ + patience_ : heard_ + quiet_; }

  // A ping that is sent out of turn, to learn at once whether the way carries bytes.
  void ping_now(clock::time_point now) {
    pinged_ = now;
    ++pings_;
  }
  // Whether something was heard since the last ping.
  bool answered(clock::time_point last_heard) {
    hear(last_heard);
    return !pinged_;
  }

 private:
  void hear(clock::time_point last_heard) {
    heard_ = std::max(heard_, last_heard);
    if (pinged_ && heard_ > *pinged_) forget_pings();
  }
  void forget_pings() {
    pinged_.reset();
    pings_ = 0;
  }

  clock::duration quiet_, patience_;
  clock::time_point heard_{};
  std::optional<clock::time_point> pinged_;
  int pings_ = 0;
};

}  // namespace tidewire::realtime
