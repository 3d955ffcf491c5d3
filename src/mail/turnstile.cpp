#include "mail/turnstile.hpp"

#include <tidewire/core/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tidewire::mail {

asio::awaitable<error_code> turnstile::enter() {
  if (closed_) co_return asio::error::operation_aborted;
  if (free_ > 0) {
    --free_;
    co_return error_code();
  }
  if (waiting_.size() >= max_waiting_) co_return make_error_code(tidewire::errc::limit_exceeded);
  waiter me(*this);
  me.called.expires_at(clock::time_point::max());
  error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await me.called.async_wait(token);
  if (me.admitted) co_return error_code();
  co_return asio::error::operation_aborted;
}

void turnstile::leave() {
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  auto* next = waiting_.front();
  waiting_.pop_front();
  next->admitted = true;
  next->called.cancel();
}

void turnstile::close() {
  closed_ = true;
  for (auto* w : waiting_) w->called.cancel();
}

}  // namespace tidewire::mail
