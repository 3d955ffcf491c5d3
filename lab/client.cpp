#include "exchange.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/lab/client.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace tidewire::lab {
namespace detail {

void client_state::ask_connection(exchange& e) {
  auto& to = ways[e.origin()];
  if (to.active >= options.max_connections_per_host) {
    to.waiting.push_back(e.weak_from_this());
    return;
  }
  ++to.active;
  // The newest first; a server closes the old ones, which a client notices while they are idle.
  while (!to.idle.empty() && net.w.now() - to.idle.back().since > options.server_keep_alive)
    to.idle.pop_back();
  bool reuse = !to.idle.empty();
  std::uint64_t incarnation = 0;
  if (reuse) {
    incarnation = to.idle.back().incarnation;
    to.idle.pop_back();
  }
  asio::post(ex, [self = e.shared_from_this(), owner = weak_from_this(), reuse, incarnation] {
    // Cancelled in between: nobody else gives the place back.
    if (!self->over())
      self->connection_granted(reuse, incarnation);
    else if (auto alive = owner.lock())
      alive->release_connection(self->origin(), std::nullopt);
  });
}

void client_state::release_connection(const std::string& origin,
                                      std::optional<idle_connection> kept) {
  auto& to = ways[origin];
  --to.active;
  if (kept && to.idle.size() < options.max_idle_connections_per_host) to.idle.push_back(*kept);
  while (!to.waiting.empty()) {
    auto next = to.waiting.front().lock();
    to.waiting.pop_front();
    if (!next || next->over()) continue;
    ask_connection(*next);
    return;
  }
}

void client_state::completed(exchange::completion done, error_code ec,
                             http::exchange_summary summary) {
  ++completing;
  auto self = shared_from_this();
  asio::post(ex, [self, done = std::move(done), ec, summary = std::move(summary)]() mutable {
    auto on = asio::get_associated_executor(done, self->ex);
    asio::dispatch(on, [self, done = std::move(done), ec, summary = std::move(summary)]() mutable {
      if (auto slot = asio::get_associated_cancellation_slot(done); slot.is_connected())
        slot.clear();
      std::move(done)(ec, std::move(summary));
      --self->completing;
      self->tell_stopped();
    });
  });
}

void client_state::tell_stopped() {
  if (!stopped || completing > 0 || !exchanges.empty()) return;
  for (auto& done : std::exchange(stop_handlers, {})) {
    auto on = asio::get_associated_executor(done, ex);
    asio::dispatch(on, std::move(done));
  }
}

}  // namespace detail

client::client(network& net, executor ex, client_options options)
    : state_(
          std::make_shared<detail::client_state>(*net.state_, std::move(ex), std::move(options))) {}

client::~client() {
  // Handlers own coroutine frames, whose destructors may come back to this client: first forget
  // everything, then let go.
  std::vector<detail::exchange::completion> dropped;
  for (auto& [id, e] : std::exchange(state_->exchanges, {})) dropped.push_back(e->abandon());
  auto stops = std::exchange(state_->stop_handlers, {});
}

executor client::get_executor() const {
  return state_->ex;
}

std::size_t client::exchanges() const {
  return state_->exchanges.size();
}

void client::start(http::request req, http::exchange_handler& handler,
                   asio::any_completion_handler<void(error_code, http::exchange_summary)> done) {
  if (state_->stopped) {
    state_->completed(std::move(done), make_error_code(errc::stopped), {});
    return;
  }
  auto slot = asio::get_associated_cancellation_slot(done);
  auto e = std::make_shared<detail::exchange>(state_->net, *state_, std::move(req), handler,
                                              std::move(done));
  state_->exchanges.emplace(e->id(), e);
  if (slot.is_connected()) {
    slot.assign([weak = std::weak_ptr(e)](asio::cancellation_type) {
      if (auto alive = weak.lock()) alive->cancel_on_client();
    });
  }
  asio::post(state_->ex, [e] { e->begin(); });
}

void client::stop(asio::any_completion_handler<void()> done) {
  state_->stopped = true;
  state_->stop_handlers.push_back(std::move(done));
  auto all = state_->exchanges;
  for (auto& [id, e] : all) e->cancel(asio::error::operation_aborted);
  // Never from within the call.
  asio::post(state_->ex, [state = state_] { state->tell_stopped(); });
}

}  // namespace tidewire::lab
