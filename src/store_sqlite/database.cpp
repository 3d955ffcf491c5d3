#include "codes.hpp"

#include <tidewire/store_sqlite/database.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tidewire::store_sqlite {
namespace {

constexpr std::string_view in_memory = ":memory:";

// SQLite makes files as the umask allows, and gives -wal and -shm the database's own mode: so the
// file is there, for its owner alone, before SQLite sees it.
result<void> create_private(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
  if (fd < 0) return make_error_code(errno == ENOSPC ? errc::full : errc::cannot_open);
  ::close(fd);
  return {};
}

std::string pragma_synchronous(durability d) {
  switch (d) {
    case durability::power:
      return "PRAGMA synchronous=FULL";
    case durability::process:
      return "PRAGMA synchronous=NORMAL";
    case durability::none:
      return "PRAGMA synchronous=OFF";
  }
  return {};
}

result<std::int64_t> ask_number(database& db, std::string_view pragma) {
  auto asked = db.prepare(pragma);
  if (!asked) return asked.error();
  auto row = asked->step();
  if (!row) return row.error();
  return *row ? asked->integer(0) : 0;
}

// PRAGMA takes no bound values; these two are numbers of ours.
result<void> set_number(database& db, const char* pragma, std::int64_t value) {
  return db.execute("PRAGMA " + std::string(pragma) + "=" + std::to_string(value));
}

// Whether the file may be ours, and which version of the schema it has. A new file has no tables.
result<std::int64_t> recognise(database& db, const database_options& options) {
  auto id = ask_number(db, "PRAGMA application_id");
  if (!id) return id.error();
  auto version = ask_number(db, "PRAGMA user_version");
  if (!version) return version.error();
  auto tables = ask_number(db, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  bool fresh = *id == 0 && *version == 0 && *tables == 0;
  if (!fresh && static_cast<std::uint32_t>(*id) != options.application_id)
    return make_error_code(errc::foreign);
  if (*version < 0) return make_error_code(errc::corrupt);
  if (static_cast<std::uint64_t>(*version) > options.migrations.size())
    return make_error_code(errc::newer_schema);
  return *version;
}

// Two processes may open a new file at once: the version is read again under the lock.
result<void> migrate(database& db, const database_options& options, std::string& said) {
  auto version = recognise(db, options);
  if (!version) return version.error();
  auto newest = static_cast<std::int64_t>(options.migrations.size());
  if (*version == newest) return {};
  auto under_way = transaction::begin(db);
  if (!under_way) return under_way.error();
  version = recognise(db, options);
  if (!version) return version.error();
  for (auto v = *version; v < newest; ++v) {
    auto step = db.execute(std::string(options.migrations[static_cast<std::size_t>(v)]));
    if (step) continue;
    said = db.last_message();  // the end of the transaction has one of its own
    return step;
  }
  // A signed 32-bit number in the file's header.
  auto id = static_cast<std::int32_t>(options.application_id);
  auto done = set_number(db, "application_id", id);
  if (done) done = set_number(db, "user_version", newest);
  if (!done) return done;
  return under_way->commit();
}

result<void> prepare_file(database& db, const database_options& options, std::string& said) {
  // Before anything is written: a file that is not ours keeps even its journal mode.
  if (!options.guest) {
    auto known = recognise(db, options);
    if (!known) return known.error();
  }
  result<void> good = {};
  if (options.exclusive) good = db.execute("PRAGMA locking_mode=EXCLUSIVE");
  if (good) good = db.execute("PRAGMA journal_mode=WAL");
  // With the first write lock the exclusive one is taken and kept.
  if (good && options.exclusive) good = db.execute("BEGIN IMMEDIATE; COMMIT");
  if (good) good = db.execute(pragma_synchronous(options.survives));
  if (good) good = db.execute("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF");
  if (good && !options.guest) good = migrate(db, options, said);
  return good;
}

}  // namespace

void database::closer::operator()(sqlite3* db) const noexcept {
  sqlite3_close_v2(db);
}

result<database> database::open(const std::string& path, const database_options& options,
                                std::string* said) {
  if (path != in_memory) {
    auto made = create_private(path);
    if (!made) {
      if (said) *said = path + " can't be opened or created";
      return made.error();
    }
  }
  sqlite3* raw = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
              SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  database out(raw);
  result<void> good = {};
  std::string detail;
  if (code != SQLITE_OK)
    good = make_error_code(errc_of(code));
  else {
    sqlite3_busy_timeout(
        raw, static_cast<int>(std::min<std::int64_t>(options.busy_timeout.count(), 3'600'000)));
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    good = prepare_file(out, options, detail);
  }
  if (good) return out;
  if (detail.empty()) detail = raw ? sqlite3_errmsg(raw) : "out of memory";
  if (said) *said = detail;
  return good.error();
}

result<statement> database::prepare(std::string_view sql) {
  sqlite3_stmt* made = nullptr;
  const char* rest = nullptr;
  int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                SQLITE_PREPARE_PERSISTENT, &made, &rest);
  statement out(made);
  if (code != SQLITE_OK) {
    auto why = errc_of(code);
    return make_error_code(why == errc::failed ? errc::misuse : why);
  }
  // Nothing at all, or a second statement that would never run.
  if (!made || rest != sql.data() + sql.size()) return make_error_code(errc::misuse);
  return out;
}

result<void> database::execute(const std::string& sql) {
  int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return make_error_code(errc_of(code));
}

std::int64_t database::changes() const {
  return sqlite3_changes64(handle_.get());
}

std::string database::last_message() const {
  return sqlite3_errmsg(handle_.get());
}

result<transaction> transaction::begin(database& db) {
  auto begun = db.execute("BEGIN IMMEDIATE");
  if (!begun) return begun.error();
  return transaction(db);
}

transaction::~transaction() {
  // Some errors have rolled back already; then this one says so, and nobody needs to know.
  if (db_) (void)db_->execute("ROLLBACK");
}

result<void> transaction::commit() {
  auto done = db_->execute("COMMIT");
  if (done) db_ = nullptr;
  // Else the destructor rolls back: a commit that found the database busy would be open still.
  return done;
}

}  // namespace tidewire::store_sqlite
