#include "change_watch.hpp"

#include <tidewire/core/backoff.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::queue_postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr backoff reconnect{milliseconds(50), milliseconds(200), std::chrono::seconds(5)};

}  // namespace

std::shared_ptr<void> watchers::add(std::function<void()> changed) {
  std::lock_guard lock(mutex_);
  auto number = next_++;
  calls_.emplace(number, std::move(changed));
  // Not null, or it would mean that nobody is told.
  return std::shared_ptr<void>(this, [weak = weak_from_this(), number](void*) {
    auto alive = weak.lock();
    if (!alive) return;
    std::lock_guard again(alive->mutex_);
    alive->calls_.erase(number);
  });
}

void watchers::tell() {
  std::lock_guard lock(mutex_);
  for (auto& [number, call] : calls_) call();
}

change_watch::change_watch(store_postgres::connection line, options o, std::shared_ptr<watchers> to,
                           rng random)
    : line_(std::move(line)),
      remote_(line_.get_remote()),
      options_(std::move(o)),
      to_(std::move(to)),
      random_(random),
      thread_([this] { run(); }) {}

change_watch::~change_watch() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stop_changed_.notify_all();
  remote_.wake();
  thread_.join();
}

void change_watch::announce() {
  if (!announced_.exchange(true)) remote_.wake();
}

bool change_watch::stopped() {
  std::lock_guard lock(mutex_);
  return stop_;
}

void change_watch::run() {
  std::uint32_t failures = 0;
  bool listens = false;
  while (!stopped()) {
    bool good = bool(line_.restore());
    // A connection that was restored listens again by itself.
    if (good && !listens) good = listens = bool(line_.listen(options_.channel));
    if (good) {
      failures = 0;
      serve();
      continue;
    }
    auto delay = reconnect.delay(failures++, random_);
    std::unique_lock lock(mutex_);
    stop_changed_.wait_for(lock, delay, [this] { return stop_; });
  }
  notified_ = {};
  if (line_.usable()) notify_if_due();
}

milliseconds change_watch::next_wait() const {
  auto until = look_at_;
  if (announced_) until = std::min(until, notified_ + options_.notify_interval);
  auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
  return std::max(left, milliseconds(0));
}

// False: the connection is lost.
bool change_watch::notify_if_due() {
  if (!announced_ || steady_clock::now() < notified_ + options_.notify_interval) return true;
  announced_ = false;
  notified_ = steady_clock::now();
  store_postgres::parameters p;
  p.add(options_.channel).add(options_.sender);
  static const store_postgres::statement notify("SELECT pg_notify($1, $2)");
  return bool(line_.query(notify, p)) || line_.usable();
}

// Until the connection is lost. What was notified before it was there is not known: so it begins,
// and ends, with a look.
void change_watch::serve() {
  to_->tell();
  look_at_ = steady_clock::now() + options_.look_interval;
  while (!stopped() && notify_if_due()) {
    auto heard = line_.wait(next_wait());
    if (!heard) break;
    bool theirs = std::any_of(heard->begin(), heard->end(),
                              [this](auto& n) { return n.payload != options_.sender; });
    bool late = steady_clock::now() >= look_at_;
    if (late) look_at_ = steady_clock::now() + options_.look_interval;
    if (theirs || late) to_->tell();
  }
  if (!stopped()) to_->tell();
}

}  // namespace tidewire::queue_postgres
