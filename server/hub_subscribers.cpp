// Who listens: where each stands in his channels, what he is given next, and the end of all.
#include "hub.hpp"
#include "message_text.hpp"

#include <tidewire/core/error.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::server {
namespace {

constexpr std::size_t replay_messages = 256;
constexpr std::size_t replay_bytes = 512 * 1024;

}  // namespace

subscriber::~subscriber() {
  if (auto alive = hub_.lock()) alive->unsubscribe(*this);
}

asio::awaitable<result<hub::channel_states>> hub::subscribe(
    std::shared_ptr<subscriber> who, std::map<std::string, realtime::subscription> channels) {
  std::function<result<channel_states>()> call = [this, who, wishes = std::move(channels)] {
    result<channel_states> out{channel_states()};
    std::vector<std::shared_ptr<hub_channel>> loaded;
    for (const auto& [name, wish] : wishes) {
      auto channel = load(name);
      if (!channel) return result<channel_states>(channel.error());
      loaded.push_back(std::move(*channel));
    }
    wakes all;
    {
      std::lock_guard lock(mutex_);
      for (auto& channel : loaded)
        out->emplace(channel->name, place(*who, channel, wishes.at(channel->name)));
      if (draining_) wake(*who, all);
    }
    run(all);
    return out;
  };
  auto asking = on_store<channel_states>(std::move(call));
  co_return co_await std::move(asking);
}

realtime::channel_state hub::place(subscriber& who, const std::shared_ptr<hub_channel>& channel,
                                   const realtime::subscription& wish) {
  const auto& log = channel->log;
  subscriber::position at;
  at.channel = channel;
  at.epoch = log.epoch;
  at.next = wish.since.value_or(log.head) + 1;
  if (auto lost = judge_cursor(log, wish)) {
    at.next = lost->next + 1;
    realtime::reset_frame reset{channel->name, log.epoch, lost->next, lost->why};
    at.reset = std::make_unique<realtime::reset_frame>(std::move(reset));
    ctx.metrics->count("tidewire_message_resets_total", 1);
  }
  realtime::channel_state out{log.epoch, !at.reset, log.head};
  if (who.number_ == 0) who.number_ = next_number_++;
  channel->subscribers.emplace(who.number_, &who);
  who.positions_[channel->name] = std::move(at);
  return out;
}

void hub::unsubscribe(subscriber& who) {
  std::lock_guard lock(mutex_);
  for (auto& [name, at] : who.positions_) {
    auto& channel = *at.channel;
    channel.subscribers.erase(who.number_);
    if (!channel.subscribers.empty()) continue;
    rings_bytes_ -= std::exchange(channel.ring_bytes, 0);
    channel.ring.clear();
  }
  who.positions_.clear();
}

hub::taken hub::take(subscriber& who, std::size_t max_entries, std::size_t max_bytes) {
  taken out;
  std::size_t bytes = 0;
  std::lock_guard lock(mutex_);
  who.woken_ = false;
  auto at = who.positions_.upper_bound(who.turn_);
  for (std::size_t n = 0; n < who.positions_.size(); ++n, ++at) {
    if (at == who.positions_.end()) at = who.positions_.begin();
    auto& [name, p] = *at;
    auto& channel = *p.channel;
    if (p.epoch != channel.log.epoch) {
      // The log began anew. A reset that nobody saw yet is replaced by the newer one.
      p.epoch = channel.log.epoch;
      p.next = channel.log.oldest;
      p.live = false;
      realtime::reset_frame reset{name, p.epoch, p.next - 1, realtime::reset_reason::epoch};
      p.reset = std::make_unique<realtime::reset_frame>(std::move(reset));
    }
    if (p.reset) out.resets.push_back(*std::exchange(p.reset, nullptr));
    if (p.live && channel.log.head + 1 - p.next > options.queue_messages) out.too_slow = true;
    while (p.next <= channel.log.head && p.next >= channel.ring_begin() &&
           out.entries.size() < max_entries && bytes < max_bytes) {
      out.entries.push_back(channel.ring[p.next - channel.ring_begin()]);
      bytes += out.entries.back()->frame.size();
      ++p.next;
      who.turn_ = name;
    }
    if (p.next > channel.log.head)
      p.live = true;
    else if (p.next < channel.ring_begin() && out.replay.empty())
      out.replay = name;
  }
  return out;
}

asio::awaitable<result<std::vector<shared_entry>>> hub::replay(std::shared_ptr<subscriber> who,
                                                               std::string name) {
  using entries = std::vector<shared_entry>;
  std::function<result<entries>()> call = [this, who, name] {
    std::uint64_t since = 0;
    {
      std::lock_guard lock(mutex_);
      auto it = who->positions_.find(name);
      if (it == who->positions_.end()) return result<entries>(make_error_code(errc::stopped));
      since = it->second.next - 1;
    }
    auto page = store_->read(name, since, replay_messages, replay_bytes);
    if (!page) return result<entries>(page.error());
    entries out;
    std::unique_lock lock(mutex_);
    auto it = who->positions_.find(name);
    if (it == who->positions_.end()) return result<entries>(make_error_code(errc::stopped));
    auto& p = it->second;
    if (page->log.epoch != p.epoch) {
      lock.unlock();
      catch_up(name);  // take() will see it
      return result<entries>(out);
    }
    p.channel->log.oldest = page->log.oldest;
    if (page->log.oldest > p.next) {
      // Trimmed while it was read.
      p.next = page->log.oldest;
      realtime::reset_frame reset{name, p.epoch, p.next - 1, realtime::reset_reason::trimmed};
      p.reset = std::make_unique<realtime::reset_frame>(std::move(reset));
      return result<entries>(out);
    }
    for (auto& m : page->messages) {
      // A message that is in the store, and not yet followed, comes with the others.
      if (m.offset > p.channel->log.head) break;
      p.next = m.offset + 1;
      out.push_back(make_entry(name, p.epoch, std::move(m)));
    }
    return result<entries>(std::move(out));
  };
  auto asking = on_store<entries>(std::move(call));
  co_return co_await std::move(asking);
}

void hub::wake(subscriber& who, wakes& out) {
  if (!std::exchange(who.woken_, true)) out.emplace_back(who.ex_, who.wake_);
}

void hub::run(wakes& all) {
  for (auto& [ex, call] : all) asio::post(ex, std::move(call));
}

void hub::drain() {
  wakes all;
  std::vector<std::shared_ptr<subscriber>> told;  // let go of outside the lock
  {
    std::lock_guard lock(mutex_);
    draining_ = true;
    for (auto& weak : drain_watchers_)
      if (auto who = weak.lock()) told.push_back(std::move(who));
    drain_watchers_.clear();
    for (auto& who : told) wake(*who, all);
  }
  run(all);
}

bool hub::draining() const {
  std::lock_guard lock(mutex_);
  return draining_;
}

void hub::watch_drain(const std::shared_ptr<subscriber>& who) {
  std::lock_guard lock(mutex_);
  // Who is gone is swept out now and then, at a cost that is constant for each who comes.
  if (drain_watchers_.size() >= sweep_at_) {
    std::erase_if(drain_watchers_, [](const auto& weak) { return weak.expired(); });
    sweep_at_ = 2 * drain_watchers_.size() + 64;
  }
  drain_watchers_.push_back(who);
}

std::chrono::milliseconds hub::drain_delay() {
  std::lock_guard lock(mutex_);
  auto spread = std::max<std::int64_t>(options.drain_spread.count(), 0);
  auto delay = options.drain_floor + std::chrono::nanoseconds(random_.between(0, spread));
  return std::chrono::ceil<std::chrono::milliseconds>(delay);
}

}  // namespace tidewire::server
