#include "realtime/poller_impl.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/initiate_on.hpp>

#include <boost/asio/post.hpp>

namespace tidewire::realtime {

poller_base::poller_base(context ctx, std::shared_ptr<detail::poll_port> port, poll_options options)
    : impl_(std::make_shared<impl>(std::move(ctx), std::move(port), std::move(options))) {}

poller_base::~poller_base() {
  impl_->abandon();
}

// Posted, all of them, so that calls of one thread take effect in their order.
void poller_base::start() {
  asio::post(impl_->ctx.exec, [self = impl_] { self->start(); });
}

void poller_base::pause() {
  asio::post(impl_->ctx.exec, [self = impl_] { self->pause(true); });
}

void poller_base::resume() {
  asio::post(impl_->ctx.exec, [self = impl_] { self->pause(false); });
}

void poller_base::note_change() {
  asio::post(impl_->ctx.exec, [self = impl_] { self->note_change(); });
}

void poller_base::stop(asio::any_completion_handler<void()> done) {
  asio::post(impl_->ctx.exec,
             [self = impl_, done = std::move(done)]() mutable { self->stop(std::move(done)); });
}

void poller_base::poll_now(asio::any_completion_handler<void(error_code, bool)> done) {
  auto body = [self = impl_] { return self->join(); };
  initiate_on<void(error_code, bool)>(impl_->ctx.exec, std::move(done), std::move(body),
                                      impl_->gate);
}

poll_status poller_base::status() const {
  return impl_->snapshot();
}

signal<poll_failure>& poller_base::failures() {
  return impl_->listeners->failures;
}

signal<poll_end>& poller_base::stopped() {
  return impl_->listeners->stopped;
}

}  // namespace tidewire::realtime
