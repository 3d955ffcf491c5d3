#pragma once

#include "realtime/poll_schedule.hpp"

#include <tidewire/core/stop_gate.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/realtime/poller.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <mutex>
#include <vector>

namespace tidewire::realtime {

// Carries the schedule's decisions out. Between two polls there is nothing but one timer, and not
// even that when no poll may come by itself. Touched on the executor alone, but for the snapshot.
struct poller_base::impl : std::enable_shared_from_this<impl> {
  impl(context c, std::shared_ptr<detail::poll_port> p, poll_options o);

  void start();
  void stop(asio::any_completion_handler<void()> done);
  void pause(bool yes);
  void note_change();
  // The owner goes away.
  void abandon();
  asio::awaitable<std::pair<error_code, bool>> join();

  poll_status snapshot() const;

  context ctx;
  // Gone with the poller, so that an emit that destroys it reaches nobody else.
  struct signals {
    signal<poll_failure> failures;
    signal<poll_end> stopped;
  };
  std::unique_ptr<signals> listeners = std::make_unique<signals>();
  std::shared_ptr<stop_gate> gate;

 private:
  // Somebody who waits for the poll that comes or is under way.
  struct waiter {
    explicit waiter(const executor& ex) : wake(ex) {}
    timer wake;
    std::optional<std::pair<error_code, bool>> outcome;
  };

  void begin_polling();
  void end_polling(poll_end why);
  bool resting() const { return paused_ || !online_; }
  std::optional<clock::time_point> next_poll() const;
  void arm();
  void begin_poll();
  void watch_deadline();
  asio::awaitable<poll_note> ask();
  void settle(poll_note note);
  void deliver(const poll_note& note, poll_outcome outcome);
  void release_waiters(error_code ec, bool changed);
  void network_changed(bool online);
  void take_snapshot();
  template <class Listeners, class Event>
  void tell(Listeners signals::*which, const Event& event);

  std::shared_ptr<detail::poll_port> port_;
  poll_options options_;
  clock clock_;
  rng random_;
  poll_schedule schedule_;
  poll_request request_;
  timer timer_;
  asio::cancellation_signal cancel_;
  signal<bool>::connection network_;
  std::vector<waiter*> waiters_;
  std::uint64_t epoch_ = 0;  // counts starts and stops: a start that waits for an end may be void
  std::uint64_t polls_ = 0, changes_ = 0;
  std::optional<std::chrono::system_clock::time_point> last_success_;
  bool polling_ = false, in_flight_ = false, timed_out_ = false, paused_ = false, online_ = true;

  mutable std::mutex snapshot_mutex_;
  poll_status snapshot_;
};

}  // namespace tidewire::realtime
