#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/core/stop_gate.hpp>
#include <tidewire/http/client.hpp>
#include <tidewire/realtime/connection_options.hpp>
#include <tidewire/realtime/message_codec.hpp>
#include <tidewire/websocket/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace tidewire::realtime {

// What the transports of one connection share. Kept alive by everything that is under way, also
// when the connection is gone.
struct transport_context {
  explicit transport_context(context c) : ctx(std::move(c)) {}

  context ctx;
  connection_options options;
  std::unique_ptr<message_codec> codec;
  websocket::client* sockets = nullptr;
  http::client* http = nullptr;
  // Counts what is under way.
  std::shared_ptr<stop_gate> stops;

  executor exec() const { return ctx.exec; }
};

// The value of the Authorization header for `target`, or an error of the application's hook.
asio::awaitable<result<std::string>> authorize(const transport_context& shared,
                                               const http::url& target, bool refresh);

// Runs `body` on the executor, counted, and keeps `alive` until it has ended. Begins later: who
// calls it is often in the middle of something.
template <class Body>
void spawn(const std::shared_ptr<transport_context>& shared, std::shared_ptr<void> alive,
           Body body) {
  shared->stops->begin();
  auto done = [shared, alive = std::move(alive)](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
    shared->stops->end();
  };
  asio::post(shared->exec(), [ex = shared->exec(), body = std::move(body), done]() mutable {
    asio::co_spawn(ex, std::move(body), std::move(done));
  });
}

}  // namespace tidewire::realtime
