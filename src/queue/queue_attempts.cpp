#include "queue/queue_core.hpp"
#include "queue/task_rules.hpp"

#include <tidewire/core/backoff.hpp>
#include <tidewire/core/error.hpp>
#include <tidewire/core/json_text.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <utility>

// How handlers run and end.
namespace tidewire::queue {
namespace {

std::string what_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return std::string("the handler threw: ") + e.what();
  } catch (...) {
    return "the handler threw something that is no std::exception";
  }
}

outcome call_function(const task_handler::function& body,
                      const std::shared_ptr<detail::attempt>& a) {
  try {
    return body(task_context(a));
  } catch (...) {
    return outcome::retry(what_of(std::current_exception()));
  }
}

}  // namespace

void queue_core::start_some() {
  while (!paused_ && !stopping_ && !claimed_.empty() && active_.size() < options.max_concurrency) {
    auto next = std::move(claimed_.front());
    claimed_.pop_front();
    start(std::move(next));
  }
}

void queue_core::start(attempt_ptr a) {
  auto handler = handler_of(a->task);
  if (!handler) {  // can't be: only kinds with handlers are claimed
    settle(a, outcome::release());
    return;
  }
  auto now = clock_.now();
  auto longest = std::chrono::duration_cast<milliseconds>(clock::time_point::max() - now) / 2;
  a->deadline = now + std::min(a->task.timeout, longest);
  a->progress = desk;
  if (!handler->is_quick()) a->stop = std::stop_source();
  active_.push_back(a);
  if (events->started.size() > 0) {
    const auto& t = a->task;
    events->started.emit(
        {{t.id, t.kind, t.name, t.metadata, t.priority, t.attempt, t.max_attempts}});
  }
  if (auto* body = handler->as_coroutine()) {
    run_coroutine(a, *body);
  } else if (handler->is_quick()) {
    auto how = call_function(*handler->as_function(), a);
    ended(std::move(a), std::move(how));
    return;
  } else {
    run_blocking(a, *handler);
  }
  if (a->deadline < deadline_timer_.expiry() || active_.size() == 1) watch_deadlines();
}

void queue_core::run_coroutine(attempt_ptr a, const task_handler::coroutine& body) {
  auto done = [weak = weak_from_this(), a](const std::exception_ptr& failure, auto how) {
    auto self = weak.lock();
    if (!self) return;
    self->ended(a, failure ? outcome::retry(what_of(failure)) : std::move(*how));
  };
  // Kept alive by the frame: the handler may be replaced meanwhile.
  auto run = [body, context = task_context(a)]() -> asio::awaitable<std::optional<outcome>> {
    auto running = body(context);
    auto how = co_await std::move(running);
    std::optional<outcome> out(std::move(how));
    co_return out;
  };
  asio::co_spawn(strand, std::move(run),
                 asio::bind_cancellation_slot(a->cancel.slot(), std::move(done)));
}

void queue_core::run_blocking(attempt_ptr a, const task_handler& handler) {
  auto report = [weak = weak_from_this(), ex = strand](attempt_ptr who, outcome how) {
    auto shared = std::make_shared<outcome>(std::move(how));
    asio::post(ex, [weak, who = std::move(who), shared] {
      if (auto self = weak.lock()) self->ended(who, std::move(*shared));
    });
  };
  auto body = *handler.as_function();
  asio::post(blocking(), [a = std::move(a), body = std::move(body), report] {
    report(a, call_function(body, a));
  });
}

void queue_core::ended(attempt_ptr a, outcome how) {
  auto it = std::find(active_.begin(), active_.end(), a);
  if (it == active_.end()) return;
  std::swap(*it, active_.back());
  active_.pop_back();
  ++ended_since_claim_;
  if (abandoned_) return;
  if (!a->settled) {
    bool again = how.what() == outcome::kind::retry;
    // A handler that was told to end usually fails: that is not the task's fault.
    if (again && a->why == detail::ending::cancelled)
      how = outcome::cancelled(how.text());
    else if (again && a->why == detail::ending::stopping)
      how = outcome::release();
    settle(a, std::move(how));
  }
  if (active_.empty()) deadline_timer_.cancel();
  if (quiet_) quiet_->wake.cancel();
  if (!in_start_) {
    in_start_ = true;
    start_some();
    in_start_ = false;
    pump();
  }
}

// The outcome is decided; from here on the attempt is the desk's.
void queue_core::settle(const attempt_ptr& a, outcome how) {
  a->settled = true;
  if (how.what() == outcome::kind::retry && !how.after()) {
    backoff delays{milliseconds(0), a->task.retry_delay, options.max_retry_delay, 2.0};
    how.set_after(std::chrono::ceil<milliseconds>(delays.delay(a->task.attempt - 1, random_)));
  }
  if (how.is_done() && !how.text().empty()) {
    // The effect has happened: a result that can't be kept changes nothing about that.
    json_limits limits{task_bounds::result_bytes, 64};
    if (!check_json(how.text(), limits)) how.set_text({});
  }
  desk->leases.remove(a->lease_slot);
  hold();
  desk->settle(a, std::move(how));
}

void queue_core::tell_to_end(const attempt_ptr& a, detail::ending why) {
  if (a->why != detail::ending::none) return;
  a->why = why;
  a->stop.request_stop();
  a->cancel.emit(asio::cancellation_type::terminal);
}

// One timer, for the earliest deadline of all.
void queue_core::watch_deadlines() {
  auto next = clock::time_point::max();
  for (auto& a : active_)
    if (!a->settled) next = std::min(next, a->deadline);
  if (next == clock::time_point::max()) return;
  deadline_timer_.expires_at(next);
  deadline_timer_.async_wait([weak = weak_from_this()](error_code ec) {
    auto self = weak.lock();
    if (ec || !self || self->abandoned_) return;
    auto now = self->clock_.now();
    auto all = self->active_;  // a handler may end at once
    for (auto& a : all) {
      if (a->settled || a->deadline > now) continue;
      auto ms = std::to_string(a->task.timeout.count());
      self->settle(a, outcome::retry("the handler did not end within " + ms + " ms"));
      self->tell_to_end(a, detail::ending::late);
    }
    self->watch_deadlines();
  });
}

}  // namespace tidewire::queue
