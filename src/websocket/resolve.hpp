#pragma once

#include <tidewire/core/types.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>
#include <vector>

namespace tidewire::websocket {

// The addresses of a name (or the address itself). A cancel is answered at once, though the
// system's look-up can't be interrupted: its answer is dropped when it comes.
asio::awaitable<result<std::vector<asio::ip::tcp::endpoint>>> resolve(executor ex, std::string host,
                                                                      std::uint16_t port);

}  // namespace tidewire::websocket
