#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace tidewire::store_postgres {

// What can go wrong with a database. The condition behind each name is in brackets; the SQLSTATE
// classes (postgresql.org/docs/15/errcodes-appendix.html) stand behind it.
enum class errc {
  unreachable = 1,  // [retryable] no server there, or one that starts, stops or takes no writes now
  lost,       // [retryable] the connection ended meanwhile: a commit may have been done. 08, 57P01
  timed_out,  // [retryable] connection_options::call_timeout or connect_timeout passed
  cancelled,  // [cancelled] another thread asked for the end
  rolled_back,   // [retryable] against other transactions (deadlock …): run it again. 40
  locked,        // [retryable] somebody else holds it. 55P03, 55006
  exhausted,     // [retryable] disk, memory or connections. 53, 58
  refused,       // [permanent] name, password or rights; no such database. 28, 3D, 42501
  constraint,    // [permanent] a rule of the schema forbids it. 23
  newer_schema,  // [permanent] written by a later version; nothing was changed
  bad_address,   // [permanent] neither a postgres:// URL nor a conninfo; or a bad schema name
  misuse,        // [permanent] SQL or a value that the server can't use. 22, 26, 42
  failed,        // [permanent] anything else; see connection::last_message()
};

const boost::system::error_category& category() noexcept;
boost::system::error_code make_error_code(errc) noexcept;

}  // namespace tidewire::store_postgres

template <>
struct boost::system::is_error_code_enum<tidewire::store_postgres::errc> : std::true_type {};
