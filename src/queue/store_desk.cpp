#include "queue/store_desk.hpp"

#include "queue/machine.hpp"

#include <tidewire/core/error.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::queue {
namespace {

constexpr milliseconds longest_beat = std::chrono::seconds(1);
constexpr std::size_t most_rescued = 1000;  // in one call

milliseconds floor_ms(clock::duration d) {
  return std::chrono::floor<milliseconds>(d);
}

}  // namespace

store_desk::store_desk(const context& ctx, std::shared_ptr<task_store> store, executor where,
                       task_queue_options options)
    : clock_(ctx.exec),
      metrics_(*ctx.metrics),
      log_(*ctx.log),
      random_(ctx.random.stream("task store")),
      store_(std::move(store)),
      options_(std::move(options)),
      where_(std::move(where)) {
  beat_.emplace(where_);
  again_.emplace(where_);
}

bool store_desk::insert(std::vector<new_task> tasks, inserted done) {
  std::lock_guard lock(mutex_);
  if (closed_ || pending_tasks_ + tasks.size() > options_.max_pending) return false;
  pending_tasks_ += tasks.size();
  inserts_.push_back({std::move(tasks), std::move(done)});
  kick();
  return true;
}

void store_desk::settle(std::shared_ptr<detail::attempt> who, outcome how) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  settlements_.push_back({std::move(who), std::move(how)});
  ++settling_;
  kick();
}

void store_desk::note_progress(progress_note note) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  auto id = note.id;
  progress_.insert_or_assign(id, std::move(note));  // written with the next round, or beat
}

void store_desk::ask(call c) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  calls_.push_back(std::move(c));
  kick();
}

void store_desk::claim(claim_request request, bool reap_first) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  wish_ = std::move(request);
  wish_reaps_ = wish_reaps_ || reap_first;
  kick();
}

bool store_desk::settling() const {
  std::lock_guard lock(mutex_);
  return settling_ > 0;
}

void store_desk::kick() {
  if (under_way_ || closed_) return;
  under_way_ = true;
  asio::post(where_, [self = shared_from_this()] { self->round(); });
}

void store_desk::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  asio::post(where_, [self = shared_from_this()] {
    self->beat_.reset();
    self->again_.reset();
  });
}

void store_desk::detach() {
  std::lock_guard lock(mutex_);
  where_ = executor();
  beat_.reset();
  again_.reset();
}

result<queue_time> store_desk::now() {
  auto monotonic = floor_ms(clock_.now().time_since_epoch());
  std::lock_guard lock(mutex_);
  if (!offset_) {
    machine_moment moment{boot_name(), monotonic,
                          std::chrono::floor<milliseconds>(clock_.wall_now())};
    auto joined = store_->join_clock(moment);
    if (!joined) return joined.error();
    offset_ = *joined;
  }
  return queue_time(monotonic + *offset_);
}

store_desk::round_work store_desk::take() {
  std::lock_guard lock(mutex_);
  round_work out;
  out.calls.swap(calls_);
  std::size_t tasks = 0;
  while (!inserts_.empty() && tasks < options_.batch) {
    tasks += inserts_.front().tasks.size();
    out.inserts.push_back(std::move(inserts_.front()));
    inserts_.pop_front();
  }
  pending_tasks_ -= tasks;
  while (!settlements_.empty() && out.settlements.size() < options_.batch) {
    out.settlements.push_back(std::move(settlements_.front()));
    settlements_.pop_front();
  }
  for (auto& [id, note] : progress_) out.progress.push_back(std::move(note));
  progress_.clear();
  out.wish.swap(wish_);
  out.reap = std::exchange(wish_reaps_, false);
  return out;
}

void store_desk::round() {
  auto work = take();
  auto at = now();
  if (!work.empty()) {
    if (at)
      run(work, *at);
    else
      failed(work, at.error());
  }
  std::lock_guard lock(mutex_);
  under_way_ = false;
  bool more = !calls_.empty() || !inserts_.empty() || !settlements_.empty() || wish_;
  // After a failure a timer kicks.
  if (more && !waiting_) kick();
}

void store_desk::run(round_work& work, queue_time at) {
  for (auto& c : work.calls) c(*store_, at);
  if (work.inserts.empty() && work.settlements.empty() && work.progress.empty() && !work.wish)
    return;
  report out;
  if (work.wish && work.reap) reap(out, at);
  std::vector<std::size_t> sizes;
  for (auto& i : work.inserts) sizes.push_back(i.tasks.size());
  bool wished = work.wish.has_value();
  auto count = wished ? work.wish->count : 0;
  auto kinds = wished ? work.wish->kinds : std::vector<std::string>();
  auto answer = store_->apply(build(work), at);
  if (!answer) {
    failed(work, answer.error());
    return;
  }
  failures_ = 0;
  out.claimed_any = wished;
  bool dry = wished && answer->claimed.size() < count;
  deliver(work, sizes, std::move(*answer), out, at);
  if (dry) {
    auto due = store_->next_due(kinds, at);
    if (due) out.due = *due;
  }
  if (!leases.empty()) start_beat();
  prune(out.settled_tasks.size(), at);
  to_(std::move(out));
}

void store_desk::prune(std::size_t newly_ended, queue_time at) {
  ended_ += newly_ended;
  auto moment = clock_.now();
  bool many = ended_ >= std::max<std::size_t>(1000, options_.keep.max_finished / 2);
  if (!many && (ended_ == 0 || moment - pruned_ < options_.prune_interval)) return;
  auto dropped = store_->prune(options_.keep, at);
  pruned_ = moment;
  if (dropped && *dropped == 0) ended_ = 0;
}

// Moves the tasks out, copies the settlements: those are tried again.
store_work store_desk::build(round_work& work) {
  store_work out;
  for (auto& i : work.inserts)
    for (auto& t : i.tasks) out.inserts.push_back(std::move(t));
  out.settlements.reserve(work.settlements.size());
  for (auto& s : work.settlements)
    out.settlements.push_back({s.who->task.id, s.who->task.fence, s.how});
  out.progress = std::move(work.progress);
  out.claim = std::move(work.wish);
  return out;
}

void store_desk::deliver(round_work& work, const std::vector<std::size_t>& sizes,
                         store_answer answer, report& out, queue_time) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < work.inserts.size(); ++i) {
    auto first = answer.inserts.begin() + static_cast<std::ptrdiff_t>(at);
    at += sizes[i];
    std::vector<insert_outcome> own(first, first + static_cast<std::ptrdiff_t>(sizes[i]));
    work.inserts[i].done({}, std::move(own));
  }
  for (std::size_t i = 0; i < work.settlements.size(); ++i) {
    auto& s = work.settlements[i];
    settlement what{s.who->task.id, s.who->task.fence, std::move(s.how)};
    out.settled_tasks.push_back({std::move(s.who), std::move(what), answer.settlements[i]});
  }
  {
    std::lock_guard lock(mutex_);
    settling_ -= work.settlements.size();
  }
  for (auto& t : answer.claimed) {
    auto slot = leases.add({t.id, t.fence});
    out.claimed.push_back(std::make_shared<detail::attempt>(std::move(t), slot));
  }
}

void store_desk::failed(round_work& work, error_code why) {
  metrics_.count("tidewire_queue_store_errors_total", 1);
  log_.write(severity::error, "queue.store_failed", {{"error", why.message()}});
  for (auto& i : work.inserts) i.done(why, {});
  {
    std::lock_guard lock(mutex_);
    for (auto it = work.settlements.rbegin(); it != work.settlements.rend(); ++it)
      settlements_.push_front(std::move(*it));
  }
  backoff pause{milliseconds(10), milliseconds(100), std::chrono::seconds(10), 2.0};
  if (again_ && !std::exchange(waiting_, true)) {
    again_->expires_after(pause.delay(failures_++, random_));
    again_->async_wait([self = shared_from_this()](error_code ec) {
      self->waiting_ = false;
      if (ec) return;
      std::lock_guard lock(self->mutex_);
      bool more = !self->inserts_.empty() || !self->settlements_.empty() || self->wish_;
      if (more) self->kick();
    });
  }
  report out;
  out.error = why;
  to_(std::move(out));
}

void store_desk::reap(report& out, queue_time at) {
  reaped_ = clock_.now();
  auto rescued = store_->reap(most_rescued, at);
  if (rescued) out.rescued = std::move(*rescued);
}

void store_desk::start_beat() {
  if (beating_ || !beat_) return;
  beating_ = true;
  beat_->expires_after(std::min<milliseconds>(longest_beat, options_.lease / 3));
  beat_->async_wait([self = shared_from_this()](error_code ec) {
    self->beating_ = false;
    if (!ec) self->beat();
  });
}

void store_desk::beat() {
  auto held = leases.all();
  auto at = now();
  auto moment = clock_.now();
  report out;
  if (at && !held.empty() && moment - renewed_ >= options_.lease / 3) {
    auto renewed = store_->renew(held, options_.lease, *at);
    if (renewed) {
      renewed_ = moment;
      out.renewal = std::move(*renewed);
    }
  }
  if (at && moment - reaped_ >= options_.lease / 2) reap(out, *at);
  {
    std::lock_guard lock(mutex_);
    if (!progress_.empty()) kick();
  }
  if (out.renewal || !out.rescued.empty()) to_(std::move(out));
  if (!held.empty()) start_beat();
}

}  // namespace tidewire::queue
