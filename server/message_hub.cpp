#include "hub.hpp"
#include "message_routes.hpp"

#include <tidewire/core/initiate_on.hpp>

#include <boost/asio/strand.hpp>

#include <utility>

namespace tidewire::server {

struct message_hub::impl {
  impl(context ctx, std::unique_ptr<message_store> store, executor blocking,
       message_hub_options options)
      : core(std::make_shared<hub>(std::move(ctx), std::move(store), std::move(blocking),
                                   std::move(options))),
        routes(std::make_shared<message_routes>(core)) {
    core->watch_store();
  }
  // Sessions may keep the core a little longer; its store tells nothing any more.
  ~impl() { core->unwatch_store(); }

  std::shared_ptr<hub> core;
  std::shared_ptr<message_routes> routes;
};

message_hub::message_hub(context ctx, std::unique_ptr<message_store> store, executor blocking,
                         message_hub_options options)
    : impl_(std::make_shared<impl>(std::move(ctx), std::move(store), std::move(blocking),
                                   std::move(options))) {}

message_hub::~message_hub() = default;

void message_hub::add_routes(router& routes) {
  impl_->routes->add_to(routes);
}

void message_hub::drain() {
  impl_->core->drain();
}

void message_hub::start_publish(
    new_message message, asio::any_completion_handler<void(error_code, append_outcome)> done) {
  auto body = [core = impl_->core, m = std::move(message)] { return core->append(m); };
  initiate_on<void(error_code, append_outcome)>(asio::make_strand(impl_->core->ctx.exec),
                                                std::move(done), std::move(body));
}

void message_hub::start_begin_anew(std::string channel,
                                   asio::any_completion_handler<void(error_code, log_state)> done) {
  auto body = [core = impl_->core, channel = std::move(channel)] {
    return core->begin_anew(channel);
  };
  initiate_on<void(error_code, log_state)>(asio::make_strand(impl_->core->ctx.exec),
                                           std::move(done), std::move(body));
}

}  // namespace tidewire::server
