#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace tidewire::mail {

// What keeps a message from being tried at all. What a server said is no error: see send_result.
enum class errc {
  invalid_message = 1,    // [permanent] see the text beside it
  attachment_unreadable,  // [permanent] a file can't be read
  too_large,              // [permanent] beyond message_limits
  invalid_server,         // [permanent] not an SMTP URL, or options that contradict each other
};

const boost::system::error_category& category() noexcept;
boost::system::error_code make_error_code(errc) noexcept;

}  // namespace tidewire::mail

template <>
struct boost::system::is_error_code_enum<tidewire::mail::errc> : std::true_type {};
