#pragma once

#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/core/types.hpp>

#include <boost/asio/awaitable.hpp>

namespace tidewire {

// Runs `operation` for at most `limit` of tidewire::clock. When the limit passes, the operation is
// cancelled and waited for; if it then ends with condition::cancelled, errc::timed_out is returned
// in its place. Any other outcome is what really happened, and wins however late it is. Cancelling
// the caller cancels both. An escaped system_error becomes its code, other exceptions pass through.
// Await it on a strand or a context with one thread.
asio::awaitable<error_code> with_timeout(clock::duration limit,
                                         asio::awaitable<error_code> operation);

}  // namespace tidewire
