#include "codes.hpp"

#include <tidewire/store_sqlite/database.hpp>

namespace tidewire::store_sqlite {

void statement::finalizer::operator()(sqlite3_stmt* s) const noexcept {
  sqlite3_finalize(s);
}

statement& statement::bind(int index, std::int64_t value) {
  int code = sqlite3_bind_int64(handle_.get(), index, value);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

statement& statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL in place of an empty text.
  const char* bytes = text.data() ? text.data() : "";
  int code =
      sqlite3_bind_text64(handle_.get(), index, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

statement& statement::bind_null(int index) {
  int code = sqlite3_bind_null(handle_.get(), index);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

result<bool> statement::step() {
  int code = bind_error_ ? bind_error_ : sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  reset();
  if (code == SQLITE_DONE) return false;
  // An error_code could be taken for a bool.
  return {boost::system::in_place_error, make_error_code(errc_of(code))};
}

result<void> statement::run() {
  while (true) {
    auto row = step();
    if (!row) return row.error();
    if (!*row) return {};
  }
}

void statement::reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
  bind_error_ = 0;
}

std::int64_t statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string statement::text(int column) const {
  auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return bytes ? std::string(bytes, size) : std::string();
}

bool statement::is_null(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

}  // namespace tidewire::store_sqlite
