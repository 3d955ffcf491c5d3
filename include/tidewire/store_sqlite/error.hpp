#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace tidewire::store_sqlite {

// What can go wrong with a database. The condition behind each name is in brackets. Whatever it is,
// the file is left as it was found.
enum class errc {
  corrupt = 1,   // [permanent] damaged, or no SQLite database at all
  foreign,       // [permanent] a database of another program, or of another kind of ours
  newer_schema,  // [permanent] written by a later version
  locked,       // [retryable] another process or connection holds it, longer than the busy time-out
  full,         // [retryable] no space left on the disk
  io,           // [retryable] the disk failed
  cannot_open,  // [permanent] no such folder, or no permission
  constraint,   // [permanent] a rule of the schema forbids it
  misuse,       // [permanent] a statement that can't be prepared or a value that can't be bound
  failed,       // [permanent] anything else; see database::last_message()
};

const boost::system::error_category& category() noexcept;
boost::system::error_code make_error_code(errc) noexcept;

}  // namespace tidewire::store_sqlite

template <>
struct boost::system::is_error_code_enum<tidewire::store_sqlite::errc> : std::true_type {};
