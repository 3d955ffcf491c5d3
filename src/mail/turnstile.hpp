#pragma once

#include <tidewire/core/timer.hpp>
#include <tidewire/core/types.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <list>

namespace tidewire::mail {

// Lets so many through at once; the others wait in order. On one strand.
class turnstile {
 public:
  turnstile(executor ex, std::size_t places, std::size_t max_waiting)
      : executor_(std::move(ex)), free_(places), max_waiting_(max_waiting) {}

  // Success: a place is taken, leave() gives it back. errc::limit_exceeded: too many wait.
  // operation_aborted: cancelled, or close().
  asio::awaitable<error_code> enter();
  void leave();
  // Nobody gets in any more.
  void close();

 private:
  // On the stack of the coroutine that waits, which may be destroyed there.
  struct waiter {
    waiter(turnstile& t) : owner(t), called(t.executor_) { owner.waiting_.push_back(this); }
    ~waiter() { owner.waiting_.remove(this); }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    turnstile& owner;
    timer called;  // never expires: its cancellation is the call
    bool admitted = false;
  };

  executor executor_;
  std::size_t free_, max_waiting_;
  bool closed_ = false;
  std::list<waiter*> waiting_;
};

}  // namespace tidewire::mail
