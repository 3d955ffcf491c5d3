#pragma once

#include <tidewire/core/clock.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace tidewire::server {

// A topic's state as it is sent; shared by all who still have to be told.
using event_frame = std::shared_ptr<const std::string>;

// "event: TOPIC", a "data:" line for each line of the state, and the empty line.
std::string format_event(std::string_view topic, std::string_view state);

// What one subscriber has to be told next, and when: pure, with time as an argument. Topics take
// turns, so that one that changes all the time does not silence the others.
class event_outlet {
 public:
  event_outlet(clock::duration interval, clock::duration keep_alive, clock::time_point now)
      : interval_(interval), keep_alive_(keep_alive), quiet_since_(now) {}

  // The newest state of a topic; one that was not taken yet is forgotten.
  void put(std::string_view topic, event_frame frame);

  // What is due: an event, else "alive" after a long silence, else nothing.
  event_frame take(clock::time_point now);

  // When take() has something, if nothing is put before.
  clock::time_point next() const;

 private:
  struct slot {
    event_frame waiting;
    clock::time_point due = clock::time_point::min();  // not before the interval is over
  };

  clock::duration interval_, keep_alive_;
  clock::time_point quiet_since_;
  std::map<std::string, slot, std::less<>> slots_;
  std::string last_;  // the topic that was served last
};

}  // namespace tidewire::server
