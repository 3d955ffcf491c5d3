#include "postgres_watch.hpp"

#include <tidewire/core/backoff.hpp>

#include <charconv>
#include <utility>

namespace tidewire::server {
namespace {

constexpr backoff reconnect{std::chrono::milliseconds(50), std::chrono::milliseconds(200),
                            std::chrono::seconds(5)};

}  // namespace

std::string moved_text(const std::string& channel, const log_state& log) {
  return log.epoch + ":" + std::to_string(log.head) + ":" + channel;
}

moved_log read_moved(const std::string& text) {
  moved_log out;
  auto first = text.find(':');
  auto second = first == text.npos ? first : text.find(':', first + 1);
  if (second == text.npos) return out;
  out.epoch = text.substr(0, first);
  std::from_chars(text.data() + first + 1, text.data() + second, out.head);
  out.channel = text.substr(second + 1);
  return out;
}

postgres_watch::postgres_watch(store_postgres::connection line, std::string heard,
                               std::chrono::milliseconds look_interval, rng random)
    : line_(std::move(line)),
      remote_(line_.get_remote()),
      heard_(std::move(heard)),
      look_interval_(look_interval),
      random_(random) {}

postgres_watch::~postgres_watch() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stop_changed_.notify_all();
  remote_.wake();
  if (thread_.joinable()) thread_.join();
}

void postgres_watch::tell(message_store::moved_handler moved) {
  std::lock_guard lock(handler_mutex_);
  moved_ = std::move(moved);
  if (moved_ && !thread_.joinable()) thread_ = std::thread([this] { run(); });
}

bool postgres_watch::stopped() {
  std::lock_guard lock(mutex_);
  return stop_;
}

void postgres_watch::say(std::vector<moved_log> moved) {
  std::lock_guard lock(handler_mutex_);
  if (moved_) moved_(std::move(moved));
}

void postgres_watch::run() {
  std::uint32_t failures = 0;
  bool listens = false;
  while (!stopped()) {
    bool good = bool(line_.restore());
    // A connection that was restored listens again by itself.
    if (good && !listens) good = listens = bool(line_.listen(heard_));
    if (good) {
      failures = 0;
      listen_on();
      continue;
    }
    auto delay = reconnect.delay(failures++, random_);
    std::unique_lock lock(mutex_);
    stop_changed_.wait_for(lock, delay, [this] { return stop_; });
  }
}

// Until the connection is lost. What was notified before it was there is not known: so it begins,
// and ends, with a look at everything.
void postgres_watch::listen_on() {
  say({});
  auto look_at = std::chrono::steady_clock::now() + look_interval_;
  while (!stopped()) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(look_at - std::chrono::steady_clock::now());
    auto heard = line_.wait(std::max(left, std::chrono::milliseconds(0)));
    if (!heard) break;
    std::vector<moved_log> moved;
    for (const auto& n : *heard) moved.push_back(read_moved(n.payload));
    if (!moved.empty()) say(std::move(moved));
    if (std::chrono::steady_clock::now() < look_at) continue;
    say({});
    look_at = std::chrono::steady_clock::now() + look_interval_;
  }
  say({});
}

}  // namespace tidewire::server
