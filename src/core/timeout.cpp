#include <tidewire/core/timeout.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <utility>

namespace tidewire {
namespace {

asio::awaitable<error_code> wait(clock::duration limit) {
  timer deadline(co_await asio::this_coro::executor);
  deadline.expires_after(limit);
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await deadline.async_wait(token);
  co_return ec;
}

// What the operation reports, also when Asio throws it.
asio::awaitable<error_code> by_value(asio::awaitable<error_code> operation) {
  try {
    co_return co_await std::move(operation);
  } catch (const boost::system::system_error& e) {
    co_return e.code();
  }
}

}  // namespace

// Not the `||` of awaitable_operators: it gives the outcome of whichever ended first, so that an
// operation that succeeded as the deadline passed would be reported as timed out, and one that
// throws would be waited for until the deadline.
asio::awaitable<error_code> with_timeout(clock::duration limit,
                                         asio::awaitable<error_code> operation) {
  auto ex = co_await asio::this_coro::executor;
  auto guarded = by_value(std::move(operation));
  auto deadline = wait(limit);
  auto run = asio::co_spawn(ex, std::move(guarded), asio::deferred);
  auto watch = asio::co_spawn(ex, std::move(deadline), asio::deferred);
  auto race = asio::experimental::make_parallel_group(std::move(run), std::move(watch));
  auto first = asio::experimental::wait_for_one();
  auto ended = race.async_wait(first, asio::use_awaitable);
  auto [order, failure, outcome, watch_failure, waited] = co_await std::move(ended);
  if (failure) std::rethrow_exception(failure);
  // The watch ends without an error only when the deadline came.
  bool passed = !watch_failure && !waited;
  if (passed && outcome == condition::cancelled) co_return make_error_code(errc::timed_out);
  co_return outcome;
}

}  // namespace tidewire
