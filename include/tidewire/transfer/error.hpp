#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace tidewire::transfer {

// How a transfer can fail. Unless a line says otherwise the partial file and its journal stay, and
// the same call later goes on where this one ended.
enum class errc {
  network_exhausted = 1,  // [retryable] every connection failed max_retries times in a row
  refused,                // [permanent] the server's answer was a final no; see http_status
  bad_response,           // [permanent] answers contradict themselves or the request
  changed,                // [conflict] the resource changed and could not be begun anew
  digest_mismatch,        // [permanent] all bytes are there and are not the ones promised; kept as
                          //   .part, the next run begins anew
  length_unverified,  // [permanent] only the connection's end marked the body's end; kept as .part
  target_exists,      // [permanent] the final name is taken; nothing was touched
  target_busy,        // [retryable] another download writes to the same target
  partial_unusable,   // [permanent] .part or its journal is not ours; nothing was touched
  no_file_name,       // [permanent] no name was given and none follows from URL or answer
  disk_failed,        // [permanent] see cause; what was durable stays so
};

const boost::system::error_category& category() noexcept;
boost::system::error_code make_error_code(errc) noexcept;

}  // namespace tidewire::transfer

template <>
struct boost::system::is_error_code_enum<tidewire::transfer::errc> : std::true_type {};
