#include "remote_state.hpp"

#include <libpq-fe.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace tidewire::store_postgres {

remote::state::state() : event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

remote::state::~state() {
  if (event >= 0) ::close(event);
}

void remote::state::wake() {
  std::lock_guard lock(mutex_);
  std::uint64_t one = 1;
  if (!std::exchange(woken_, true)) (void)!::write(event, &one, sizeof one);
}

bool remote::state::take_woken() {
  std::lock_guard lock(mutex_);
  std::uint64_t ignored = 0;
  if (woken_) (void)!::read(event, &ignored, sizeof ignored);
  return std::exchange(woken_, false);
}

void remote::state::begin() {
  std::lock_guard lock(mutex_);
  running_ = true;
  cancel_asked_ = false;
}

void remote::state::end() {
  std::lock_guard lock(mutex_);
  running_ = false;
}

bool remote::state::cancel_asked() {
  std::lock_guard lock(mutex_);
  return cancel_asked_;
}

void remote::state::replace_cancel(std::shared_ptr<pg_cancel> next) {
  std::lock_guard lock(mutex_);
  cancel_ = std::move(next);
}

std::shared_ptr<pg_cancel> remote::state::ask_cancel() {
  std::lock_guard lock(mutex_);
  if (!running_) return nullptr;
  cancel_asked_ = true;
  return cancel_;
}

void remote::wake() const {
  if (state_) state_->wake();
}

void remote::cancel() const {
  auto to = state_ ? state_->ask_cancel() : nullptr;
  char ignored[256];
  if (to) PQcancel(to.get(), ignored, sizeof ignored);
}

}  // namespace tidewire::store_postgres
