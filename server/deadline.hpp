#pragma once

#include <tidewire/core/timer.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace tidewire::server {

// A deadline that moves with every read and write of a connection. Moving it later, as nearly every
// move does, costs nothing: the timer finds out when it fires. Used on one strand.
class moving_deadline : public std::enable_shared_from_this<moving_deadline> {
 public:
  moving_deadline(const executor& strand, std::function<void()> expired);

  void after(clock::duration limit);
  void at(clock::time_point when);
  void none();
  clock::time_point now() const { return clock_.now(); }
  bool expired() const { return expired_; }
  void cancel();  // for good

 private:
  void wait();

  clock clock_;
  std::optional<timer> timer_;  // until cancel()
  std::function<void()> on_expiry_;
  clock::time_point deadline_ = clock::time_point::max();
  std::uint64_t generation_ = 0;
  bool waiting_ = false;
  bool expired_ = false;
};

}  // namespace tidewire::server
