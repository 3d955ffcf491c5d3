#pragma once

#include <tidewire/store_sqlite/error.hpp>

#include <sqlite3.h>

namespace tidewire::store_sqlite {

// What an SQLite result code (primary or extended) means to us.
inline errc errc_of(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return errc::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return errc::locked;
    case SQLITE_FULL:
      return errc::full;
    case SQLITE_IOERR:
      return errc::io;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return errc::cannot_open;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
      return errc::constraint;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      return errc::misuse;
    default:
      return errc::failed;
  }
}

}  // namespace tidewire::store_sqlite
