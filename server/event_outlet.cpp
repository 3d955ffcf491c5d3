#include "event_outlet.hpp"

#include <algorithm>
#include <utility>

namespace tidewire::server {

std::string format_event(std::string_view topic, std::string_view state) {
  std::string out = "event: ";
  out.append(topic).append("\ndata: ");
  for (char c : state) {
    // Each of the three line ends of the format would end the data; as "\n" they come back as such.
    if (c == '\r') continue;
    out += c;
    if (c == '\n') out += "data: ";
  }
  return out += "\n\n";
}

void event_outlet::put(std::string_view topic, event_frame frame) {
  auto at = slots_.find(topic);
  if (at == slots_.end()) at = slots_.emplace(std::string(topic), slot()).first;
  at->second.waiting = std::move(frame);
}

event_frame event_outlet::take(clock::time_point now) {
  // Round the circle once, beginning behind the topic that was served last.
  auto at = slots_.upper_bound(last_);
  for (std::size_t left = slots_.size(); left > 0; --left, ++at) {
    if (at == slots_.end()) at = slots_.begin();
    auto& s = at->second;
    if (!s.waiting || s.due > now) continue;
    s.due = now + interval_;
    quiet_since_ = now;
    last_ = at->first;
    return std::exchange(s.waiting, nullptr);
  }
  if (now < quiet_since_ + keep_alive_) return nullptr;
  quiet_since_ = now;
  // An event, since a page is not shown comments and could not tell a quiet link from a dead one.
  static const auto alive = std::make_shared<const std::string>(format_event("alive", "{}"));
  return alive;
}

clock::time_point event_outlet::next() const {
  auto when = quiet_since_ + keep_alive_;
  for (const auto& [topic, s] : slots_)
    if (s.waiting) when = std::min(when, s.due);
  return when;
}

}  // namespace tidewire::server
