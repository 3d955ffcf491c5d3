#include "realtime/poller_impl.hpp"

#include <tidewire/core/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace tidewire::realtime {
namespace {

std::string_view label_of(poll_outcome outcome) {
  switch (outcome) {
    case poll_outcome::changed:
      return "outcome=changed";
    case poll_outcome::unchanged:
      return "outcome=unchanged";
    case poll_outcome::failed:
      return "outcome=failed";
    case poll_outcome::deferred:
      return "outcome=deferred";
    case poll_outcome::refused:
      break;
  }
  return "outcome=refused";
}

}  // namespace

poller_base::impl::impl(context c, std::shared_ptr<detail::poll_port> p, poll_options o)
    : ctx(std::move(c)),
      gate(std::make_shared<stop_gate>(ctx.exec)),
      port_(std::move(p)),
      options_(std::move(o)),
      clock_(ctx.exec),
      random_(ctx.random.stream("poller")),
      schedule_(options_.pace, options_.wait > std::chrono::nanoseconds(0)),
      timer_(ctx.exec) {
  request_.cursor = options_.cursor;
  request_.wait = std::max(options_.wait, std::chrono::nanoseconds(0));
  take_snapshot();
}

void poller_base::impl::start() {
  if (polling_ || !listeners) return;
  auto epoch = ++epoch_;
  if (!gate->stopped() || gate->under_way() == 0) return begin_polling();
  // What the stop ended has not ended yet; law P1 holds across it too.
  gate->stop([weak = weak_from_this(), epoch] {
    if (auto self = weak.lock(); self && self->epoch_ == epoch) self->begin_polling();
  });
}

void poller_base::impl::begin_polling() {
  gate->reopen();
  polling_ = true;
  auto first = clock_.now();
  auto interval = schedule_.interval();
  if (options_.first == first_poll::after_interval) first += interval;
  if (options_.first == first_poll::within_interval)
    first += clock::duration(random_.between(0, interval.count()));
  schedule_.start(first);
  if (ctx.network) {
    online_ = ctx.network->online();
    auto listen = [weak = weak_from_this()](bool online) {
      if (auto self = weak.lock()) self->network_changed(online);
    };
    // Without a place among the listeners the poller runs as if always online.
    if (auto connected = ctx.network->changed().connect(listen); connected)
      network_ = std::move(*connected);
    else
      online_ = true;
  }
  arm();
}

void poller_base::impl::stop(asio::any_completion_handler<void()> done) {
  ++epoch_;
  if (polling_) end_polling({});
  gate->stop(std::move(done));
}

// The poll in flight, if any, ends by itself now, and nothing of it is delivered.
void poller_base::impl::end_polling(poll_end why) {
  polling_ = false;
  network_.disconnect();
  timer_.cancel();
  release_waiters(tidewire::errc::stopped, false);
  if (in_flight_) cancel_.emit(asio::cancellation_type::terminal);
  take_snapshot();
  tell(&signals::stopped, why);
}

void poller_base::impl::abandon() {
  ++epoch_;
  listeners.reset();
  if (polling_) end_polling({});
}

void poller_base::impl::pause(bool yes) {
  if (std::exchange(paused_, yes) == yes) return;
  schedule_.interrupt();
  arm();
}

void poller_base::impl::network_changed(bool online) {
  if (std::exchange(online_, online) == online) return;
  schedule_.interrupt();
  // What was known is as old as the outage.
  if (online && polling_) schedule_.hurry(clock_.now());
  arm();
}

void poller_base::impl::note_change() {
  schedule_.note_change();
  arm();
}

// When the next poll begins; nothing: not by itself.
std::optional<clock::time_point> poller_base::impl::next_poll() const {
  if (!polling_ || in_flight_) return std::nullopt;
  if (!waiters_.empty()) return schedule_.not_before();
  if (resting()) return std::nullopt;
  return schedule_.due();
}

void poller_base::impl::arm() {
  take_snapshot();
  if (in_flight_) return;  // the timer is the poll's deadline
  auto next = next_poll();
  if (!next) return timer_.cancel();
  timer_.expires_at(*next);
  timer_.async_wait([weak = weak_from_this()](error_code ec) {
    auto self = weak.lock();
    if (ec || !self) return;
    // Asked again: things may have changed since the deadline came.
    auto still = self->next_poll();
    if (still && *still <= self->clock_.now()) self->begin_poll();
  });
}

void poller_base::impl::begin_poll() {
  in_flight_ = true;
  timed_out_ = false;
  ++polls_;
  gate->begin();
  schedule_.poll_began(clock_.now());
  take_snapshot();
  watch_deadline();
  auto done = [self = shared_from_this()](const std::exception_ptr&, poll_note note) {
    self->settle(std::move(note));
  };
  asio::co_spawn(ctx.exec, ask(), asio::bind_cancellation_slot(cancel_.slot(), std::move(done)));
}

void poller_base::impl::watch_deadline() {
  if (options_.timeout <= clock::duration(0)) return;
  timer_.expires_after(options_.timeout + request_.wait);
  timer_.async_wait([weak = weak_from_this(), poll = polls_](error_code ec) {
    auto self = weak.lock();
    if (ec || !self || !self->in_flight_ || self->polls_ != poll) return;
    self->timed_out_ = true;
    self->cancel_.emit(asio::cancellation_type::terminal);
  });
}

// Never throws: what the user's function does is an outcome.
asio::awaitable<poll_note> poller_base::impl::ask() {
  poll_note failed;
  try {
    auto asked = port_->ask(request_);
    auto note = co_await std::move(asked);
    co_return note;
  } catch (const boost::system::system_error& e) {
    failed.error = e.code();
  } catch (const std::exception& e) {
    failed.error = errc::function_threw;
    failed.detail = e.what();
  } catch (...) {
    failed.error = errc::function_threw;
  }
  co_return failed;
}

void poller_base::impl::settle(poll_note note) {
  in_flight_ = false;
  timer_.cancel();
  if (timed_out_ && note.error == condition::cancelled) {
    note.error = tidewire::errc::timed_out;
    note.detail.clear();  // it tells of the cancel
  }
  auto outcome = outcome_of(note.error, note.changed, note.retry_after.has_value());
  // Heeded even when nobody is interested any more: the server was asked.
  if (polling_ || note.retry_after) {
    // An outage that is known of is no error of the server.
    bool excused = outcome == poll_outcome::failed && !online_;
    schedule_.settle(excused ? poll_outcome::deferred : outcome, note.retry_after, clock_.now(),
                     random_);
  }
  if (polling_) deliver(note, outcome);
  gate->end();
}

void poller_base::impl::deliver(const poll_note& note, poll_outcome outcome) {
  ctx.metrics->count("tidewire_realtime_polls_total", 1, label_of(outcome));
  bool success = !note.error;
  auto epoch = epoch_;
  if (success) last_success_ = clock_.wall_now();
  if (outcome == poll_outcome::changed) ++changes_;
  take_snapshot();  // listeners look at it
  if (outcome == poll_outcome::changed) port_->deliver();
  // A listener may have stopped the polling; what it was given counts as delivered all the same.
  if (success && note.cursor) request_.cursor = *note.cursor;
  if (success && note.validator) request_.validator = *note.validator;
  if (epoch != epoch_) return take_snapshot();
  bool over = schedule_.state() != polling_state::going_on;
  take_snapshot();
  if (!success) {
    poll_failure failure{note.error, note.detail, schedule_.consecutive_errors(), std::nullopt};
    if (!over) failure.next_delay = schedule_.delay();
    tell(&signals::failures, failure);
    if (epoch != epoch_) return;
  }
  release_waiters(note.error, outcome == poll_outcome::changed);
  if (!over) return arm();
  bool refused = schedule_.state() == polling_state::refused;
  end_polling({refused ? note.error : make_error_code(errc::too_many_errors), note.detail});
}

asio::awaitable<std::pair<error_code, bool>> poller_base::impl::join() {
  using outcome = std::pair<error_code, bool>;
  co_await asio::this_coro::throw_if_cancelled(false);
  if (!polling_) co_return outcome(tidewire::errc::stopped, false);
  waiter self(ctx.exec);
  self.wake.expires_at(clock::time_point::max());
  waiters_.push_back(&self);
  arm();
  auto token = asio::as_tuple(asio::use_awaitable);
  auto [ec] = co_await self.wake.async_wait(token);
  if (self.outcome) co_return *self.outcome;
  // Cancelled: with nobody left who asked, the poll comes when it would have come.
  std::erase(waiters_, &self);
  arm();
  co_return outcome(ec, false);
}

void poller_base::impl::release_waiters(error_code ec, bool changed) {
  for (auto* w : std::exchange(waiters_, {})) {
    w->outcome = std::pair(ec, changed);
    w->wake.cancel();
  }
}

template <class Listeners, class Event>
void poller_base::impl::tell(Listeners signals::*which, const Event& event) {
  if (listeners) ((*listeners).*which).emit(event);
}

void poller_base::impl::take_snapshot() {
  std::lock_guard lock(snapshot_mutex_);
  snapshot_.polling = polling_;
  snapshot_.in_flight = in_flight_;
  snapshot_.paused = resting();
  snapshot_.current_interval = schedule_.delay();
  snapshot_.consecutive_errors = schedule_.consecutive_errors();
  snapshot_.last_success = last_success_;
  snapshot_.polls = polls_;
  snapshot_.changes = changes_;
  if (snapshot_.cursor != request_.cursor) snapshot_.cursor = request_.cursor;
}

poll_status poller_base::impl::snapshot() const {
  std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

}  // namespace tidewire::realtime
