#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/http/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace tidewire::realtime {

// A whole answer, as far as it came.
struct http_answer {
  error_code ec;
  unsigned status = 0;
  http::fields headers;
  std::string body;
  std::string detail;  // for people, after an error

  // Retry-After in seconds or as a date; `wall` is now.
  std::optional<std::chrono::nanoseconds> retry_after(
      std::chrono::system_clock::time_point wall) const;
};

// One exchange with bodies in memory. `content` is sent when it is not empty. An answer of more
// than `max_bytes` is errc::bad_answer. Cancelled by `slot`.
asio::awaitable<http_answer> call(http::client& client, http::request request, std::string content,
                                  std::size_t max_bytes, asio::cancellation_slot slot);

}  // namespace tidewire::realtime
