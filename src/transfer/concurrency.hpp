#pragma once

#include <tidewire/core/clock.hpp>

#include <cstdint>

namespace tidewire::transfer {

// How many connections a download should use. Fixed, or grown while that pays: 1, 2, 4 … `maximum`,
// one step a second, as long as each step brings a clear gain and enough is left to be worth it.
// Pure.
class concurrency {
 public:
  static concurrency fixed(unsigned count);
  static concurrency adaptive(unsigned maximum, clock::time_point start);

  unsigned target() const { return target_; }
  // Tell it regularly how far the download is.
  void observe(std::uint64_t received_bytes, std::uint64_t left_bytes, clock::time_point now);
  // The server asked for less (429, 503) in answer to a request made at `asked`. What was asked
  // before the last halving counts as the same cry: eight refusals of one burst halve once.
  void halve(clock::time_point asked, clock::time_point now);

 private:
  unsigned target_ = 1, maximum_ = 1;
  bool settled_ = true;
  clock::time_point window_start_{};
  clock::time_point halved_ = clock::time_point::min();
  std::uint64_t window_bytes_ = 0;
  double last_rate_ = 0;
};

}  // namespace tidewire::transfer
