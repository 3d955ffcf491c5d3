#include "websocket/resolve.hpp"

#include <tidewire/core/timer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace tidewire::websocket {
namespace {

using tcp = asio::ip::tcp;

struct lookup {
  explicit lookup(const executor& ex) : resolver(ex), wake(ex) {}
  tcp::resolver resolver;
  timer wake;
  std::optional<error_code> outcome;
  std::vector<tcp::endpoint> endpoints;
};

}  // namespace

asio::awaitable<result<std::vector<tcp::endpoint>>> resolve(executor ex, std::string host,
                                                            std::uint16_t port) {
  error_code no_address;
  auto literal = asio::ip::make_address(host, no_address);
  if (!no_address) co_return std::vector<tcp::endpoint>(1, tcp::endpoint(literal, port));

  auto state = std::make_shared<lookup>(ex);
  state->wake.expires_at(clock::time_point::max());
  auto note = [state](error_code ec, tcp::resolver::results_type found) {
    state->outcome = ec;
    for (const auto& e : found) state->endpoints.push_back(e.endpoint());
    state->wake.cancel();
  };
  state->resolver.async_resolve(host, std::to_string(port), std::move(note));
  auto token = asio::as_tuple(asio::use_awaitable);
  // Woken by the answer, or by a cancel.
  auto [woken] = co_await state->wake.async_wait(token);
  (void)woken;
  if (!state->outcome) co_return error_code(asio::error::operation_aborted);
  if (*state->outcome) co_return *state->outcome;
  co_return std::move(state->endpoints);
}

}  // namespace tidewire::websocket
