#pragma once

#include <tidewire/realtime/notification_poller.hpp>

#include <deque>
#include <unordered_set>
#include <vector>

namespace tidewire::realtime {

// Turns answers, newest first, into notifications that were not there before, oldest first. Pure.
class notification_list {
 public:
  std::vector<notification> take(const boost::json::array& newest_first);

  // The newest first.
  const std::vector<notification>& recent() const { return recent_; }

  // The id of the newest entry of an answer; empty when none has one.
  static std::string newest_id(const boost::json::value& answer);

 private:
  void remember(const std::string& id);

  std::vector<notification> recent_;
  std::deque<std::string> order_;  // of `seen_`, the oldest first
  std::unordered_set<std::string> seen_;
};

}  // namespace tidewire::realtime
