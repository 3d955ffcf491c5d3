#pragma once

#include <tidewire/core/backoff.hpp>
#include <tidewire/core/clock.hpp>
#include <tidewire/core/rng.hpp>
#include <tidewire/realtime/mode.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::realtime {

struct fsm_options {
  std::uint32_t max_reconnect_attempts = 5;
  // Attempts after an established socket was lost, until `max_reconnect_attempts` have failed.
  backoff reconnect{std::chrono::seconds(0), std::chrono::seconds(1), std::chrono::seconds(30), 2};
  // Attempts while polling: for ever, since polling is never where it ends.
  backoff probe{std::chrono::seconds(1), std::chrono::seconds(5), std::chrono::seconds(30), 2};
  // From the beginning of an attempt to the server's welcome.
  clock::duration connect_timeout = std::chrono::seconds(5);
  clock::duration max_retry_after = std::chrono::minutes(10);
  // A socket that lived shorter counts as a failed attempt: one that is accepted and dropped at
  // once must not be opened again without end.
  clock::duration stable_after = std::chrono::seconds(1);
  bool websocket = true, polling = true;
};

// What connect() came to, for all who asked.
enum class connect_outcome { connected, unauthorized, unreachable, stopped };

// Why an attempt failed or a socket was lost.
struct socket_failure {
  std::string reason;
  bool unauthorized = false;
  std::optional<clock::duration> retry_after{};  // as the server asked
};

// Something for the driver to do, in this order.
struct fsm_action {
  enum class kind {
    open_socket,  // generation, refresh: with fresh credentials
    drop_socket,  // generation
    start_polling,
    stop_polling,
    connected,      // tell: mode
    disconnected,   // tell: reason, intentional
    finish_connect  // tell who waits: outcome, mode
  };
  kind what;
  std::uint64_t generation = 0;
  bool refresh = false;
  realtime::mode mode = realtime::mode::disconnected;
  std::string reason{};
  bool intentional = false;
  connect_outcome outcome = connect_outcome::connected;
};

// Which transport serves, and when the next attempt is made. Pure: it is told what happened and
// when, and answers with what to do. One live attempt, one timer (deadline()), whatever happens.
//
//   idle --connect--> connecting --welcome--> open --lost--> waiting --timer--> connecting …
//                        | failed                (polls meanwhile)
//                        v
//        the first one: polling at once; then, or after max_reconnect_attempts: polling, and
//        waiting --probe--> connecting --welcome--> open
class connection_fsm {
 public:
  using actions = std::vector<fsm_action>;
  enum class phase { idle, connecting, open, waiting, parked, stopped };

  connection_fsm(fsm_options options, rng random) : options_(options), random_(random) {}

  actions connect(clock::time_point now);
  // The socket of that generation is subscribed.
  actions welcomed(std::uint64_t generation, clock::time_point now);
  // It carried bytes after a ping: polling beside it may end.
  actions proved(std::uint64_t generation);
  // It failed to open, or was lost. Words of an older generation change nothing.
  actions failed(std::uint64_t generation, socket_failure failure, clock::time_point now);
  // deadline() has come.
  actions timer(clock::time_point now);
  // Whether the machine believes to have a network. Without one no attempt is made or counted.
  actions network(bool online, clock::time_point now);
  actions stop();

  std::optional<clock::time_point> deadline() const { return deadline_; }
  realtime::mode mode() const { return mode_; }
  phase now_in() const { return phase_; }
  bool polling() const { return polling_; }
  std::uint64_t generation() const { return generation_; }
  std::uint32_t reconnect_attempts() const { return attempts_; }
  bool connecting() const { return phase_ == phase::connecting; }

 private:
  void attempt(actions& out, clock::time_point now, bool refresh);
  void lose(actions& out, const socket_failure& failure, clock::time_point now);
  void count_attempt();
  void schedule(actions& out, const socket_failure& failure, clock::time_point now);
  void wait(const backoff& delays, std::uint32_t failures, const socket_failure& failure,
            clock::time_point now);
  void fall_back(actions& out, const socket_failure& failure, clock::time_point now);
  connect_outcome outcome_of(const socket_failure& failure) const;
  void set_polling(actions& out, bool on);
  void finish_connect(actions& out, connect_outcome outcome);

  fsm_options options_;
  rng random_;
  phase phase_ = phase::idle;
  realtime::mode mode_ = realtime::mode::disconnected;
  std::optional<clock::time_point> deadline_;
  std::uint64_t generation_ = 0;
  clock::time_point opened_{};
  std::uint32_t attempts_ = 0;  // failed since the last stable socket
  std::uint32_t probes_ = 0;    // failed since polling took over
  bool polling_ = false;        // polls are made, whatever the mode is called
  bool established_ = false;    // a socket was lost, and polling has not taken over yet
  bool fallen_back_ = false;    // sockets are probed for, since connecting failed too often
  bool refreshed_ = false;      // credentials were renewed for this attempt
  bool online_ = true;
  bool waiting_callers_ = false;
};

}  // namespace tidewire::realtime
