#include "realtime/transport_context.hpp"

#include <tidewire/core/initiate.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tidewire::realtime {

asio::awaitable<result<std::string>> authorize(const transport_context& shared,
                                               const http::url& target, bool refresh) {
  auto* hook = shared.ctx.authorization;
  if (!hook) co_return std::string();
  auto ask = [hook, origin = target.origin(),
              refresh](asio::any_completion_handler<void(error_code, std::string)> done) {
    hook->authorize(origin, refresh, std::move(done));
  };
  auto token = asio::as_tuple(asio::use_awaitable);
  auto op = initiate<void(error_code, std::string)>(std::move(ask), token);
  auto [ec, value] = co_await std::move(op);
  if (ec) co_return ec;
  co_return value;
}

}  // namespace tidewire::realtime
