#include "hub.hpp"

#include <boost/asio/post.hpp>

#include <mutex>
#include <utility>

namespace tidewire::server {
namespace {

constexpr std::size_t max_news = 4096;  // channels; with more all are looked at

}  // namespace

// What the store told and was not looked at yet: the newest of each channel.
struct hub::news {
  std::mutex mutex;
  std::unordered_map<std::string, moved_log> moved;
  bool all = false, posted = false;
};

// The handler runs on a thread of the store's, which must not become the hub's last owner: the hub
// is looked for on its own strand.
void hub::watch_store() {
  auto heard = std::make_shared<news>();
  auto told = [heard, strand = strand_, weak = weak_from_this()](std::vector<moved_log> moved) {
    std::lock_guard lock(heard->mutex);
    if (moved.empty()) heard->all = true;
    for (auto& m : moved) heard->moved.insert_or_assign(m.channel, m);
    if (heard->moved.size() > max_news) {
      heard->all = true;
      heard->moved.clear();
    }
    if (std::exchange(heard->posted, true)) return;
    asio::post(strand, [heard, weak] {
      if (auto self = weak.lock()) self->look_at(*heard);
    });
  };
  store_->watch(std::move(told));
}

void hub::unwatch_store() {
  store_->watch({});
}

void hub::look_at(news& heard) {
  std::unordered_map<std::string, moved_log> moved;
  bool all = false;
  {
    std::lock_guard lock(heard.mutex);
    heard.posted = false;
    all = std::exchange(heard.all, false);
    moved = std::exchange(heard.moved, {});
  }
  for (auto& name : std::exchange(uncertain_, {})) catch_up(name);
  for (auto& name : all ? moved_of_all() : moved_of(moved)) take_in(name);
}

// Of a channel that nobody listens to nothing is kept that may be wrong.
bool hub::forget_unheard(const std::string& name) {
  auto it = channels_.find(name);
  if (it == channels_.end()) return true;
  if (!it->second->subscribers.empty()) return false;
  if (it->second.use_count() == 1) channels_.erase(it);
  return true;
}

std::vector<std::string> hub::moved_of(const std::unordered_map<std::string, moved_log>& moved) {
  std::vector<std::string> out;
  std::lock_guard lock(mutex_);
  for (const auto& [name, to] : moved) {
    auto it = channels_.find(name);
    if (it == channels_.end()) continue;
    const auto& log = it->second->log;
    if (to.epoch == log.epoch && to.head <= log.head) continue;  // our own, most of the time
    if (!forget_unheard(name)) out.push_back(name);
  }
  return out;
}

std::vector<std::string> hub::moved_of_all() {
  std::vector<std::string> names, out;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, channel] : channels_) names.push_back(name);
    std::erase_if(names, [this](const std::string& name) { return forget_unheard(name); });
  }
  auto states = store_->states(names);
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto it = channels_.find(names[i]);
    if (it == channels_.end()) continue;
    const auto& log = it->second->log;
    if (!states)
      uncertain_.insert(names[i]);
    else if ((*states)[i].epoch != log.epoch || (*states)[i].head != log.head)
      out.push_back(names[i]);
  }
  return out;
}

// What others appended comes into the ring, when that has room for all of it; else everybody reads
// it from the log.
void hub::take_in(const std::string& name) {
  std::uint64_t since = 0;
  {
    std::lock_guard lock(mutex_);
    auto it = channels_.find(name);
    if (it == channels_.end()) return;
    since = it->second->log.head;
  }
  auto page = store_->read(name, since, options.ring_messages, options.ring_bytes);
  wakes all;
  std::lock_guard lock(mutex_);
  auto it = channels_.find(name);
  if (it == channels_.end()) return;
  auto& channel = *it->second;
  if (!page) {
    uncertain_.insert(name);
    return;
  }
  auto& found = page->messages;
  bool whole = page->log.epoch == channel.log.epoch && !found.empty() &&
               found.front().offset == since + 1 && found.back().offset == page->log.head;
  if (!whole || channel.subscribers.empty()) {
    adopt(channel, page->log, all);
    return run(all);
  }
  channel.log = page->log;
  for (auto& m : found) grow(channel, make_entry(name, channel.log.epoch, std::move(m)));
  for (auto& [number, who] : channel.subscribers) wake(*who, all);
  run(all);
  ctx.metrics->count("tidewire_messages_of_others_total", static_cast<double>(found.size()));
}

}  // namespace tidewire::server
