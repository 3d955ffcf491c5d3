#include <tidewire/core/time_source.hpp>
#include <tidewire/core/timer.hpp>

namespace tidewire {

timer::timer(const executor& ex)
    : executor_(ex), clock_(ex), backend_(time_source_of(ex).make_timer(ex)) {}

timer::timer(timer&&) noexcept = default;
timer& timer::operator=(timer&&) noexcept = default;
timer::~timer() = default;

void timer::expires_at(clock::time_point deadline) {
  backend_->cancel();
  expiry_ = deadline;
}

void timer::expires_after(clock::duration delay) {
  auto now = clock_.now();
  if (delay <= clock::duration::zero()) {
    expires_at(now);
  } else if (now > clock::time_point::max() - delay) {
    // A delay of "for ever" must not wrap round to the past.
    expires_at(clock::time_point::max());
  } else {
    expires_at(now + delay);
  }
}

void timer::cancel() {
  backend_->cancel();
}

void timer::start_wait(asio::any_completion_handler<void(error_code)> handler) {
  backend_->async_wait(expiry_, std::move(handler));
}

}  // namespace tidewire
