#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

namespace tidewire::http {

// Which exchanges libcurl is given. Those that find no free connection stand in a list that libcurl
// walks each time one of them ends: with ten thousand waiting, each costs ten thousand steps. So
// the rest waits here, in turn, and for each host by itself. Key: a handle.
template <class Key>
class host_admission {
 public:
  explicit host_admission(std::size_t most_of_a_host) : most_(most_of_a_host) {}

  // True: it may begin. False: it waits until leave() of another gives it.
  bool enter(const std::string& host, Key who) {
    auto& l = lanes_[host];
    auto& p = places_[who];
    p.host = host;
    if (l.begun < most_) {
      ++l.begun;
      return true;
    }
    p.waits_at = l.waiting.insert(l.waiting.end(), who);
    return false;
  }

  bool waits(Key who) const {
    auto p = places_.find(who);
    return p != places_.end() && p->second.waits_at;
  }

  // It ended, begun or not. What may begin in its stead, if anything waits.
  std::optional<Key> leave(Key who) {
    auto p = places_.find(who);
    if (p == places_.end()) return std::nullopt;
    auto l = lanes_.find(p->second.host);
    auto& waiting = l->second.waiting;
    std::optional<Key> next;
    if (p->second.waits_at) {
      waiting.erase(*p->second.waits_at);
    } else if (!waiting.empty()) {
      next = waiting.front();
      waiting.pop_front();
      places_.at(*next).waits_at.reset();
    } else if (--l->second.begun == 0) {
      lanes_.erase(l);
    }
    places_.erase(p);
    return next;
  }

 private:
  struct lane {
    std::size_t begun = 0;
    std::list<Key> waiting;
  };
  struct place {
    std::string host;
    std::optional<typename std::list<Key>::iterator> waits_at{};
  };

  std::size_t most_;
  std::unordered_map<std::string, lane> lanes_;
  std::unordered_map<Key, place> places_;
};

}  // namespace tidewire::http
