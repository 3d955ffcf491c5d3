#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/http/client.hpp>
#include <tidewire/realtime/poll_function.hpp>

#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace tidewire::realtime {

// What an http_poll holds, with its defaults. Built by the setters.
struct http_poll_settings {
  http::url target;
  http::fields headers;
  http::exchange_limits limits{};
  std::size_t max_body_bytes = 1024 * 1024;
  std::string wait_parameter = "wait";
  std::string cursor_parameter;
  std::chrono::nanoseconds max_retry_after = std::chrono::hours(24);
  std::function<http::url(const poll_request&)> address;
};

// A resource that is asked for with conditional GETs (RFC 9110, 13.1.2). A value with setters that
// return it.
//
// What an answer means:
//   200, 203      changed, unless it has the bytes of the last one that was delivered
//   204, 304      unchanged
//   401           one new token from context.authorization, then the same request again; then
//   refused 408 425 429 5xx   errc::unavailable, with the Retry-After other 4xx     errc::refused
//   redirects     followed, 5 at most, as in downloads: no other scheme, credentials stay at home
//   others        errc::bad_answer; also a 206, a content coding, and a body above the limit
// Every answer's Retry-After is heeded. A body whose end only the connection's end marks is taken,
// but its entity tag is not: should it have been cut, the next poll brings the whole.
class http_poll {
 public:
  explicit http_poll(http::url target) { settings_.target = std::move(target); }

  static constexpr unsigned max_redirects = 5;

  http_poll& header(std::string name, std::string value) {
    settings_.headers.add(std::move(name), std::move(value));
    return *this;
  }
  // The deadline of the head grows by poll_options::wait.
  http_poll& limits(http::exchange_limits limits) {
    settings_.limits = limits;
    return *this;
  }
  // Default 1 MiB.
  http_poll& max_body_bytes(std::size_t bytes) {
    settings_.max_body_bytes = bytes;
    return *this;
  }
  // The query parameter that tells the server, in seconds, how long it may hold the answer back;
  // sent only when poll_options::wait is set. Default "wait".
  http_poll& wait_parameter(std::string name) {
    settings_.wait_parameter = std::move(name);
    return *this;
  }
  // The query parameter that carries the cursor. Default: none.
  http_poll& cursor_parameter(std::string name) {
    settings_.cursor_parameter = std::move(name);
    return *this;
  }
  // Makes the URL of each request in place of the two parameters above.
  http_poll& address(std::function<http::url(const poll_request&)> make) {
    settings_.address = std::move(make);
    return *this;
  }

  const http_poll_settings& settings() const { return settings_; }

 private:
  http_poll_settings settings_;
};

// A poll function whose values are the bodies. `client` is borrowed; of `ctx` the executor, which
// must be the client's, and authorization are used.
poll_function<std::string> poll_text(const context& ctx, http::client& client, http_poll poll);

// The same with bodies that must be JSON: other ones are errc::bad_answer. `cursor_of`, when given,
// finds the cursor in a changed document.
poll_function<boost::json::value> poll_json(
    const context& ctx, http::client& client, http_poll poll,
    std::function<std::string(const boost::json::value&)> cursor_of = nullptr);

}  // namespace tidewire::realtime
