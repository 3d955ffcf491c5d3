#include "deadline.hpp"

#include <utility>

namespace tidewire::server {

moving_deadline::moving_deadline(const executor& strand, std::function<void()> expired)
    : clock_(strand), timer_(std::in_place, strand), on_expiry_(std::move(expired)) {}

void moving_deadline::after(clock::duration limit) {
  auto now = clock_.now();
  auto room = clock::time_point::max() - now;
  at(limit > room ? clock::time_point::max() : now + limit);
}

void moving_deadline::at(clock::time_point when) {
  deadline_ = when;
  if (when == clock::time_point::max()) return;
  if (!timer_) return;
  if (!waiting_ || timer_->expiry() > when) wait();
}

void moving_deadline::none() {
  deadline_ = clock::time_point::max();
}

void moving_deadline::cancel() {
  none();
  ++generation_;
  waiting_ = false;
  on_expiry_ = nullptr;
  timer_.reset();
}

void moving_deadline::wait() {
  waiting_ = true;
  timer_->expires_at(deadline_);
  auto done = [self = shared_from_this(), mine = ++generation_](error_code) {
    if (self->generation_ != mine) return;
    self->waiting_ = false;
    if (self->deadline_ == clock::time_point::max()) return;
    if (self->clock_.now() < self->deadline_) return self->wait();
    self->expired_ = true;
    if (self->on_expiry_) self->on_expiry_();
  };
  timer_->async_wait(std::move(done));
}

}  // namespace tidewire::server
