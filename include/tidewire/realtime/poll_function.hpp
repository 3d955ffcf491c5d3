#pragma once

#include <tidewire/core/types.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace tidewire::realtime {

// What a poll is asked with: what the last answer that was delivered left behind.
struct poll_request {
  std::string cursor;     // where to go on; empty before the first answer that named one
  std::string validator;  // tells whether anything changed (an entity tag, say); may be empty
  std::chrono::nanoseconds wait{};  // how long the server may hold the answer back; 0: not at all
};

// What an answer says apart from its value.
struct poll_note {
  // realtime::errc::refused ends the polling. Any other error is one more in a row, unless there is
  // a retry_after.
  error_code error;
  bool changed = false;
  std::optional<std::string> cursor{}, validator{};  // nothing: as before
  // Nothing is asked before, after a success or an error. Cut to poll_pace::max_retry_after.
  std::optional<std::chrono::nanoseconds> retry_after{};
  std::string detail{};  // for people: what went wrong
};

// The outcome of one poll. T must be default constructible and movable.
template <class T>
struct poll_answer : poll_note {
  T value{};

  static poll_answer changed_to(T value) {
    poll_answer out;
    out.changed = true;
    out.value = std::move(value);
    return out;
  }
  static poll_answer unchanged() { return {}; }
  static poll_answer failed(error_code ec, std::string detail = {}) {
    poll_answer out;
    out.error = ec;
    out.detail = std::move(detail);
    return out;
  }
};

// What a poller asks with, given by the user or made by poll_text(), poll_json() and
// callback_poll(). A coroutine on the poller's executor; the request is valid until it ends. It
// must heed cancellation, which is how a time-out and a stop reach it. A
// boost::system::system_error that escapes it counts as its code, any other exception as
// errc::function_threw.
template <class T>
using poll_function = std::function<asio::awaitable<poll_answer<T>>(const poll_request&)>;

}  // namespace tidewire::realtime
