#pragma once

#include <tidewire/core/initiate.hpp>
#include <tidewire/realtime/poll_function.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <utility>

namespace tidewire::realtime {

namespace detail {

template <class T>
using poll_handler = asio::any_completion_handler<void(poll_answer<T>)>;

template <class T, class Start>
asio::awaitable<poll_answer<T>> ask_by_callback(std::shared_ptr<Start> start,
                                                const poll_request& request) {
  auto begin = [&](poll_handler<T> done) { (*start)(request, std::move(done)); };
  auto asked = initiate<void(poll_answer<T>)>(begin, asio::use_awaitable);
  auto answer = co_await std::move(asked);
  co_return answer;
}

}  // namespace detail

// A poll function of one that takes a completion handler, for programs without coroutines:
//   start(const poll_request&, asio::any_completion_handler<void(poll_answer<T>)> done)
// `done` must be called once, from any thread, and runs on the poller's executor. Its cancellation
// slot tells of a time-out or a stop; who ignores it is waited for.
template <class T, class Start>
poll_function<T> callback_poll(Start start) {
  auto shared = std::make_shared<Start>(std::move(start));
  return [shared](const poll_request& request) {
    return detail::ask_by_callback<T, Start>(shared, request);
  };
}

}  // namespace tidewire::realtime
