#include "realtime/connection_core.hpp"

#include <tidewire/core/initiate_on.hpp>
#include <tidewire/realtime/realtime_connection.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace tidewire::realtime {

struct realtime_connection::impl {
  std::shared_ptr<connection_core> core;
};

realtime_connection::realtime_connection(context ctx, connection_parts parts,
                                         connection_options options,
                                         std::unique_ptr<message_codec> codec)
    : impl_(std::make_shared<impl>()) {
  impl_->core = std::make_shared<connection_core>(std::move(ctx), parts, std::move(options),
                                                  std::move(codec));
}

realtime_connection::~realtime_connection() {
  impl_->core->abandon();
}

void realtime_connection::start_connect(asio::any_completion_handler<void(error_code, mode)> done) {
  auto body = [core = impl_->core] { return core->connect(); };
  auto& shared = *impl_->core->shared();
  initiate_on<void(error_code, mode)>(shared.exec(), std::move(done), std::move(body),
                                      shared.stops);
}

void realtime_connection::start_publish(
    publication p, asio::any_completion_handler<void(error_code, publish_receipt)> done) {
  auto body = [core = impl_->core, p = std::move(p)] { return core->publish(p); };
  auto& shared = *impl_->core->shared();
  initiate_on<void(error_code, publish_receipt)>(shared.exec(), std::move(done), std::move(body),
                                                 shared.stops);
}

void realtime_connection::start_stop(asio::any_completion_handler<void()> done) {
  asio::post(impl_->core->shared()->exec(), [core = impl_->core, done = std::move(done)]() mutable {
    core->stop(true);
    core->shared()->stops->stop(std::move(done));
  });
}

bool realtime_connection::send(std::string frame) {
  return impl_->core->send(std::move(frame));
}

connection_status realtime_connection::status() const {
  return impl_->core->status();
}

cursor realtime_connection::cursor_of(const std::string& channel) const {
  return impl_->core->cursor_of(channel);
}

const std::string& realtime_connection::client_id() const {
  return impl_->core->client_id();
}

executor realtime_connection::get_executor() const {
  return impl_->core->shared()->exec();
}

signal<message>& realtime_connection::on_message() {
  return impl_->core->signals().messages;
}
signal<reset>& realtime_connection::on_reset() {
  return impl_->core->signals().resets;
}
signal<connected_event>& realtime_connection::on_connected() {
  return impl_->core->signals().connected;
}
signal<disconnected_event>& realtime_connection::on_disconnected() {
  return impl_->core->signals().disconnected;
}
signal<error_event>& realtime_connection::on_error() {
  return impl_->core->signals().errors;
}

}  // namespace tidewire::realtime
