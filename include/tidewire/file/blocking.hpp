#pragma once

#include <tidewire/core/initiate.hpp>
#include <tidewire/core/types.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace tidewire::file {

// Runs `call`, which may block, on `pool` (filesystem::blocking_executor()) and completes with its
// answer, void(error_code), on the token's executor. Can't be cancelled: it ends when `call` does.
// What `call` refers to must live until then.
template <class Token = asio::use_awaitable_t<>>
auto async_blocking(executor pool, std::function<error_code()> call, Token&& token = {}) {
  return initiate<void(error_code)>(
      [pool, call = std::move(call)](asio::any_completion_handler<void(error_code)> done) {
        auto ex = asio::get_associated_executor(done, pool);
        // The guard keeps the caller's context running while only the pool has something to do.
        auto guard = std::make_shared<asio::executor_work_guard<decltype(ex)>>(ex);
        asio::post(pool, [call, guard, done = std::move(done)]() mutable {
          auto ec = call();
          auto home = guard->get_executor();
          // From the pool's thread this never runs inside the call, unless the pool is the home.
          asio::dispatch(home,
                         [done = std::move(done), ec, guard]() mutable { std::move(done)(ec); });
        });
      },
      std::forward<Token>(token));
}

}  // namespace tidewire::file
