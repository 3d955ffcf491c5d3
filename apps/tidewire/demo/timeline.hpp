#pragma once

#include <tidewire/core/clock.hpp>

#include <boost/json/array.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace tidewire::demo {

// Milliseconds since the demo began: what its pictures are drawn by.
class stopwatch {
 public:
  explicit stopwatch(const executor& ex) : clock_(ex), begin_(clock_.now()) {}
  std::int64_t ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - begin_).count();
  }

 private:
  clock clock_;
  clock::time_point begin_;
};

// What was so, and since when: the bars of a picture over time. The oldest go.
class state_bars {
 public:
  static constexpr std::size_t max_bars = 160;

  // Nothing when it is so already.
  void become(std::string_view state, std::int64_t at_ms);
  // [{"at_ms":0,"state":"websocket"}, …], the oldest first.
  boost::json::array json() const;

 private:
  struct bar {
    std::int64_t at_ms;
    std::string state;
  };
  std::deque<bar> bars_;
};

// What happened, at one moment each. The oldest go.
class event_marks {
 public:
  static constexpr std::size_t max_marks = 60;

  void add(std::string_view kind, std::string text, std::int64_t at_ms);
  // [{"seq":1,"at_ms":0,"kind":"cut","text":"…"}, …], the oldest first.
  boost::json::array json() const;

 private:
  struct mark {
    std::uint64_t seq;
    std::int64_t at_ms;
    std::string kind, text;
  };
  std::deque<mark> marks_;
  std::uint64_t added_ = 0;
};

}  // namespace tidewire::demo
