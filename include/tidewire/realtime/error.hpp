#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace tidewire::realtime {

// How polling and connections can fail. The condition behind each name is in brackets.
enum class errc {
  refused = 1,      // [permanent] a definite no: 403, 404, 410, or 401 after a new token
  unavailable,      // [retryable] the server can't answer now: 408, 425, 429, 5xx
  bad_answer,       // [permanent] not what was asked for: no JSON, too large, a contradiction
  too_many_errors,  // [retryable] the polling ended: max_consecutive_errors polls failed in a row
  function_threw,   // [permanent] the user's function threw something that carries no error_code
  rejected,         // [permanent] a publication is not in the log and never will be
  unconfirmed,      // [retryable] a publication was sent and not answered: it may be in the log
};

const boost::system::error_category& category() noexcept;
boost::system::error_code make_error_code(errc) noexcept;

}  // namespace tidewire::realtime

template <>
struct boost::system::is_error_code_enum<tidewire::realtime::errc> : std::true_type {};
