#pragma once

#include <tidewire/core/clock.hpp>

#include <map>
#include <string>

namespace tidewire::transfer {

// When an origin may be asked again: what a Retry-After to one download binds all of them. Pure.
class host_gate {
 public:
  static constexpr std::size_t max_origins = 1024;

  void close_until(const std::string& origin, clock::time_point until, clock::time_point now) {
    std::erase_if(closed_, [&](auto& entry) { return entry.second <= now; });
    if (closed_.size() >= max_origins && !closed_.contains(origin)) return;
    auto& time = closed_[origin];
    time = std::max(time, until);
  }

  // Zero: now.
  clock::duration wait(const std::string& origin, clock::time_point now) const {
    auto it = closed_.find(origin);
    return it == closed_.end() || it->second <= now ? clock::duration(0) : it->second - now;
  }

 private:
  std::map<std::string, clock::time_point> closed_;
};

}  // namespace tidewire::transfer
