#include "message_store.hpp"

#include <tidewire/server/message_store.hpp>

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>

namespace tidewire::server {
namespace {

struct known_id {
  std::uint64_t offset, fingerprint;
};

struct memory_log {
  log_state state;
  std::deque<stored_message> messages;
  std::unordered_map<std::string, known_id> ids;
  std::deque<std::pair<message_time, std::string>> by_age;  // of ids

  void drop_oldest() {
    messages.pop_front();
    ++state.oldest;
  }
};

class memory_message_store final : public message_store {
 public:
  memory_message_store(rng random, message_retention keep)
      : random_(random), seed_(random_()), keep_(keep) {}

  result<log_state> state(const std::string& channel) override {
    auto it = logs_.find(channel);
    return it == logs_.end() ? empty(channel) : it->second.state;
  }

  result<log_page> read(const std::string& channel, std::uint64_t since, std::size_t limit,
                        std::size_t max_bytes) override {
    log_page out;
    auto it = logs_.find(channel);
    if (it == logs_.end()) {
      out.log = empty(channel);
      return out;
    }
    const auto& log = it->second;
    out.log = log.state;
    std::size_t bytes = 0;
    auto first = std::max(since + 1, log.state.oldest);
    for (auto offset = first; offset <= log.state.head && out.messages.size() < limit; ++offset) {
      const auto& m = log.messages[offset - log.state.oldest];
      bytes += m.data.size();
      if (bytes > max_bytes && !out.messages.empty()) break;
      out.messages.push_back(m);
    }
    return out;
  }

  result<std::vector<append_outcome>> append(std::span<const new_message> messages,
                                             message_time now) override {
    std::vector<append_outcome> out;
    for (const auto& m : messages) out.push_back(append_one(m, now));
    return out;
  }

  result<std::optional<std::uint64_t>> find(const std::string& channel,
                                            const std::string& id) override {
    std::optional<std::uint64_t> out;
    auto it = logs_.find(channel);
    if (it == logs_.end()) return out;
    auto known = it->second.ids.find(id);
    if (known != it->second.ids.end()) out = known->second.offset;
    return out;
  }

  // In memory a whole round is cheap.
  result<trimming> trim(message_time now) override {
    for (auto& [name, log] : logs_) {
      while (!log.messages.empty() && log.messages.front().time < now - keep_.max_age)
        log.drop_oldest();
      while (!log.by_age.empty() && log.by_age.front().first < now - keep_.id_age) {
        auto known = log.ids.find(log.by_age.front().second);
        if (known->second.offset >= log.state.oldest) break;
        log.ids.erase(known);
        log.by_age.pop_front();
      }
    }
    return trimming::done;
  }

  result<log_state> reset(const std::string& channel) override {
    if (!logs_.contains(channel) && logs_.size() >= keep_.max_channels)
      return make_error_code(message_errc::too_many_channels);
    memory_log fresh;
    fresh.state.epoch = epoch_text(random_());
    return (logs_[channel] = std::move(fresh)).state;
  }

 private:
  log_state empty(const std::string& channel) const {
    log_state out;
    out.epoch = first_epoch(seed_, channel);
    return out;
  }

  append_outcome append_one(const new_message& m, message_time now) {
    append_outcome out;
    auto it = logs_.find(m.channel);
    if (it == logs_.end()) {
      if (logs_.size() >= keep_.max_channels) {
        out.error = message_errc::too_many_channels;
        return out;
      }
      it = logs_.emplace(m.channel, memory_log{}).first;
      it->second.state = empty(m.channel);
    }
    auto& log = it->second;
    auto print = fingerprint(m.data);
    if (auto known = log.ids.find(m.id); known != log.ids.end()) {
      if (known->second.fingerprint != print) {
        out.error = message_errc::id_reused;
        return out;
      }
      out.offset = known->second.offset;
      out.duplicate = true;
      return out;
    }
    out.offset = ++log.state.head;
    log.messages.push_back({out.offset, now, m.id, m.user, m.data});
    log.ids.emplace(m.id, known_id{out.offset, print});
    log.by_age.emplace_back(now, m.id);
    while (log.messages.size() > keep_.max_messages) log.drop_oldest();
    return out;
  }

  rng random_;
  std::uint64_t seed_;
  message_retention keep_;
  std::unordered_map<std::string, memory_log> logs_;
};

}  // namespace

std::unique_ptr<message_store> make_memory_message_store(rng random, message_retention retention) {
  return std::make_unique<memory_message_store>(random, retention);
}

}  // namespace tidewire::server
