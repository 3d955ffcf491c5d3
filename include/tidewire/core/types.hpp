#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace tidewire {

namespace asio = boost::asio;

using boost::system::error_code;

// The answer of a fallible synchronous call: a value or an error_code.
template <class T>
using result = boost::system::result<T>;

// Any Asio executor: io_context, thread_pool, strand, or the lab's virtual world.
using executor = asio::any_io_executor;

}  // namespace tidewire
