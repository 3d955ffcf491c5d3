#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>

#include <type_traits>

namespace tidewire {

// Errors of the core itself. Each module adds an enum of its own (http::errc, transfer::errc …).
enum class errc {
  timed_out = 1,     // a deadline given to the operation passed
  stopped,           // the object was stopped before the operation could end
  limit_exceeded,    // a documented bound was reached
  invalid_argument,  // the caller's input can't be used; nothing was done
};

// What an error means for retries. Compare any error_code with it: `if (ec ==
// condition::retryable)`. System, Asio, resolver and Tidewire codes each map to at most one.
enum class condition {
  retryable = 1,  // the same request may succeed later
  conflict,       // the other side has a newer state: look, merge, then try again
  cancelled,      // the caller asked for the end
  permanent,      // trying again changes nothing
};

const boost::system::error_category& core_category() noexcept;
const boost::system::error_category& condition_category() noexcept;

boost::system::error_code make_error_code(errc) noexcept;
boost::system::error_condition make_error_condition(condition) noexcept;

}  // namespace tidewire

template <>
struct boost::system::is_error_code_enum<tidewire::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<tidewire::condition> : std::true_type {};
