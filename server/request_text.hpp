#pragma once

#include <tidewire/server/message.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <string>

namespace tidewire::server {

// The whole body of a request. errc::limit_exceeded beyond `max_bytes`.
asio::awaitable<result<std::string>> read_text(request& req, std::size_t max_bytes);

// The answer when that failed.
response refuse_body(error_code why);

}  // namespace tidewire::server
