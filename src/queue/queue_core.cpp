#include "queue/queue_core.hpp"

#include "queue/task_rules.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/json_text.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <utility>

// Claims, and what comes back from the desk. What people ask for is in queue_calls.cpp, how
// handlers run in queue_attempts.cpp.
namespace tidewire::queue {
namespace {

task_info info_of(const claimed_task& t) {
  return {t.id, t.kind, t.name, t.metadata, t.priority, t.attempt, t.max_attempts};
}

std::string random_name(rng& random) {
  constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string out = "worker-";
  for (int i = 0; i < 8; ++i) out += digits[static_cast<std::size_t>(random.between(0, 31))];
  return out;
}

constexpr std::size_t most_rescued = 1000;  // in one call

task_queue_options named(task_queue_options o, rng random) {
  if (o.worker.empty()) o.worker = random_name(random);
  o.worker = cut(std::move(o.worker), task_bounds::name_bytes);
  o.max_concurrency = std::max<std::size_t>(1, o.max_concurrency);
  o.batch = std::max<std::size_t>(1, o.batch);
  o.lease = std::max(o.lease, milliseconds(30));
  return o;
}

}  // namespace

queue_core::queue_core(context c, std::shared_ptr<task_store> s, task_queue_options o,
                       executor where)
    : ctx(std::move(c)),
      strand(asio::make_strand(ctx.exec)),
      options(named(std::move(o), ctx.random.stream("worker name"))),
      store(std::move(s)),
      gate(std::make_shared<stop_gate>(strand)),
      clock_(ctx.exec),
      random_(ctx.random.stream("task retries")),
      wake_timer_(strand),
      deadline_timer_(strand),
      look_timer_(strand),
      tick_timer_(strand) {
  if (store->traits().in_process) kinds_.push_back("");
  executor calls_on = where ? executor(asio::make_strand(where)) : strand;
  desk = std::make_shared<store_desk>(ctx, store, std::move(calls_on), options);
}

void queue_core::begin() {
  auto weak = weak_from_this();
  auto ex = strand;
  desk->report_to([weak, ex](store_desk::report r) {
    // At once where the store is called on the strand itself.
    auto shared = std::make_shared<store_desk::report>(std::move(r));
    asio::dispatch(ex, [weak, shared] {
      if (auto self = weak.lock()) self->take(std::move(*shared));
    });
  });
  watch_ = store->watch([weak] {
    if (auto self = weak.lock()) self->wake();
  });
}

void queue_core::abandon() {
  desk->close();
  asio::dispatch(strand, [self = shared_from_this()] {
    self->abandoned_ = self->stopping_ = true;
    self->working_.reset();
    self->watch_.reset();
    self->wake_timer_.cancel();
    self->deadline_timer_.cancel();
    self->look_timer_.cancel();
    self->tick_timer_.cancel();
    for (auto& a : self->active_) self->tell_to_end(a, detail::ending::stopping);
    for (auto& [id, all] : self->waiting_)
      for (auto& w : all) w->wake.cancel();
  });
}

void queue_core::on(std::string kind, task_handler handler) {
  {
    std::lock_guard lock(mutex_);
    auto made = std::make_shared<const task_handler>(std::move(handler));
    if (handlers_.insert_or_assign(kind, std::move(made)).second) kinds_.push_back(kind);
  }
  wake();
}

std::shared_ptr<const task_handler> queue_core::handler_of(const claimed_task& task) const {
  if (task.function) return task.function;
  std::lock_guard lock(mutex_);
  auto it = handlers_.find(task.kind);
  return it == handlers_.end() ? nullptr : it->second;
}

void queue_core::fill(new_task& task) const {
  if (!task.max_attempts) task.max_attempts = options.max_attempts;
  if (!task.timeout) task.timeout = options.timeout;
  if (!task.retry_delay) task.retry_delay = options.retry_delay;
}

void queue_core::wake() {
  std::lock_guard lock(mutex_);
  if (std::exchange(woken_, true)) return;
  asio::post(strand, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self) return;
    {
      std::lock_guard again(self->mutex_);
      self->woken_ = false;
    }
    self->dry_ = false;
    self->pump();
  });
}

// Free places are filled; and when tasks end faster than claims come, some are claimed ahead.
void queue_core::pump() {
  if (stopping_ || wished_ > 0 || dry_) return;
  if (paused_) {
    look_whether_paused();
    return;
  }
  auto places = options.max_concurrency - std::min(options.max_concurrency, active_.size());
  auto ahead = std::min(options.max_claimed_ahead, 2 * ended_since_claim_);
  auto want = places + ahead;
  if (want <= claimed_.size()) return;
  claim_request request;
  request.worker = options.worker;
  {
    std::lock_guard lock(mutex_);
    request.kinds = kinds_;
  }
  if (request.kinds.empty()) return;
  request.count = want - claimed_.size();
  request.lease = options.lease;
  request.lanes = options.lanes;
  wished_ = request.count;
  ended_since_claim_ = 0;
  hold();
  desk->claim(std::move(request), std::exchange(reap_, false));
}

void queue_core::hold() {
  if (!working_) working_.emplace(strand);
}

void queue_core::let_go() {
  if (wished_ == 0 && !looking_at_pause_ && !desk->settling()) working_.reset();
}

void queue_core::take(store_desk::report report) {
  if (abandoned_) return;
  if (report.error) {
    wished_ = 0;
    dry_ = true;
    arm_wake(options.poll_interval);
    store_trouble trouble{report.error};
    events->store_trouble.emit(trouble);
    let_go();
    return;
  }
  for (auto& s : report.settled_tasks) take_settled(s);
  for (auto& r : report.rescued) {
    if (is_final(r.state)) answer_waiters(r.id, r.state, nullptr);
    if (is_dead_letter(r.state)) {
      task_info of;
      of.id = r.id;
      events->exhausted.emit({std::move(of), std::string(expired_text), r.state});
    }
    dry_ = false;
  }
  if (report.renewal) take_renewal(*report.renewal);
  if (report.claimed_any) {
    dry_ = report.claimed.size() < wished_;
    wished_ = 0;
  }
  for (auto& a : report.claimed) claimed_.push_back(std::move(a));
  if (!report.claimed.empty()) note_active();
  if (stopping_ || paused_)
    give_back_claimed();
  else
    start_some();
  if (report.due) take_due(*report.due);
  pump();
  let_go();
}

void queue_core::note_active() {
  if (std::exchange(processing_, true)) return;
  events->processing_started.emit({});
}

void queue_core::take_settled(store_desk::settled& s) {
  const auto& task = s.who->task;
  const auto& said = s.what.outcome;
  if (s.how.what == settle_outcome::kind::lost || said.what() == outcome::kind::release) return;
  auto state = s.how.state;
  ctx.metrics->count("tidewire_queue_attempts_total", 1,
                     state == task_state::done ? "outcome=done" : "outcome=other");
  // Ended before, in a transaction of the handler's: then that is what counts.
  bool repeated = s.how.what == settle_outcome::kind::repeated;
  auto text = repeated && !said.is_done() ? std::string() : said.text();
  if (state == task_state::done) {
    if (events->completed.size() > 0) events->completed.emit({info_of(task), std::move(text)});
  } else if (state == task_state::cancelled) {
    events->cancelled.emit({task.id, false});
  } else if (said.what() != outcome::kind::snooze || state == task_state::failed) {
    bool again = !is_final(state);
    events->failed.emit({info_of(task), text, again, s.how.next_attempt});
    if (!again) events->exhausted.emit({info_of(task), text, state});
  }
  if (!is_final(state))
    dry_ = false;
  else if (repeated)
    look_for_results();
  else
    answer_waiters(task.id, state, &said);
}

// The last wish found less than it wanted: when is there more?
void queue_core::take_due(const due_answer& due) {
  heed_pause(due.paused);
  bool busy = !active_.empty() || !claimed_.empty() || desk->settling();
  if (due.idle && !busy && std::exchange(processing_, false)) events->processing_completed.emit({});
  std::optional<milliseconds> next;
  auto sooner = [&next](std::optional<milliseconds> other) {
    if (other) next = next ? std::min(*next, *other) : *other;
  };
  if (!due.paused) sooner(due.ready_after);
  if (due.lease_ends) {
    sooner(*due.lease_ends + milliseconds(1));
    reap_ = true;
  }
  if (!watch_) sooner(options.poll_interval);
  if (next) arm_wake(std::max(*next, milliseconds(1)));
}

void queue_core::arm_wake(clock::duration after) {
  if (stopping_) return;
  wake_timer_.expires_after(after);
  wake_timer_.async_wait([weak = weak_from_this()](error_code ec) {
    auto self = weak.lock();
    if (ec || !self) return;
    self->dry_ = false;
    self->pump();
  });
}

void queue_core::take_renewal(const renewal& r) {
  for (auto& lost : r.lost) {
    auto a = find_active(lost.id);
    if (a && a->task.fence == lost.fence) tell_to_end(a, detail::ending::lost);
  }
  for (auto id : r.cancel_requested)
    if (auto a = find_active(id)) tell_to_end(a, detail::ending::cancelled);
  heed_pause(r.paused);
}

// Somebody paused the queue, or resumed it, perhaps another worker.
void queue_core::heed_pause(bool yes) {
  if (changing_pause_ > 0) return;  // what was seen may be older than what is under way
  if (std::exchange(paused_, yes) == yes) return;
  if (yes) {
    give_back_claimed();
    events->processing_paused.emit({});
    if (!watch_) arm_wake(options.poll_interval);
  } else {
    events->processing_resumed.emit({});
    dry_ = false;
    pump();
  }
}

// A paused queue claims nothing, and so is not told when it goes on.
void queue_core::look_whether_paused() {
  if (std::exchange(looking_at_pause_, true)) return;
  hold();
  std::vector<std::string> kinds;
  {
    std::lock_guard lock(mutex_);
    kinds = kinds_;
  }
  desk->ask([weak = weak_from_this(), ex = strand, kinds, reap = std::exchange(reap_, false)](
                task_store& s, queue_time now) {
    if (reap) (void)s.reap(most_rescued, now);
    auto due = s.next_due(kinds, now);
    asio::post(ex, [weak, due] {
      auto self = weak.lock();
      if (!self || self->abandoned_) return;
      self->looking_at_pause_ = false;
      self->let_go();
      if (due)
        self->take_due(*due);
      else
        self->arm_wake(self->options.poll_interval);
    });
  });
}

void queue_core::give_back_claimed() {
  for (auto& a : std::exchange(claimed_, {})) settle(a, outcome::release());
}

queue_core::attempt_ptr queue_core::find_active(task_id id) const {
  auto it = std::find_if(active_.begin(), active_.end(),
                         [id](auto& a) { return a->task.id == id && !a->settled; });
  return it == active_.end() ? nullptr : *it;
}

}  // namespace tidewire::queue
