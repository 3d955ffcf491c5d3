#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/store_sqlite/error.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

// A thin door to SQLite: what opens, closes and fails is an object or a result, and values reach
// SQL by binding alone. Calls block. An object belongs to one thread at a time.
namespace tidewire::store_sqlite {

// What survives what (sqlite.org/pragma.html#pragma_synchronous, in WAL mode).
enum class durability {
  power,    // FULL: a commit that returned survives a power cut
  process,  // NORMAL: it survives the process; a power cut may take the last ones, never a part
  none,     // OFF: for tests
};

struct database_options {
  // Tells this kind of database from others; written into a new file, checked in an old one.
  std::uint32_t application_id = 0;
  // SQL that makes version 1 of the schema out of an empty file, version 2 out of 1, … Run each in
  // one transaction. Never change one that was released: add another.
  std::vector<std::string_view> migrations;
  durability survives = durability::power;
  // The file belongs to this object alone for as long as it lives: others get errc::locked.
  bool exclusive = false;
  // The file is another program's, and the tables of the migrations are guests in it: its id and
  // version are left alone, and no migration is run.
  bool guest = false;
  // How long a call waits for another connection's lock.
  std::chrono::milliseconds busy_timeout = std::chrono::seconds(5);
};

class database;

// A prepared statement. Values count from 1, columns from 0. Texts are copied when bound.
// Must not outlive its database.
class statement {
 public:
  statement() = default;

  statement& bind(int index, std::int64_t value);
  statement& bind(int index, std::uint64_t value) {  // below 2^63
    return bind(index, static_cast<std::int64_t>(value));
  }
  statement& bind(int index, std::string_view text);
  statement& bind_null(int index);

  // True: there is a row. A bind that failed is reported here. After the last row, or an error, the
  // statement is reset and its values are cleared: it can be used again at once.
  result<bool> step();
  // For what gives no rows: steps to the end.
  result<void> run();
  // Gives up the remaining rows.
  void reset();

  // Of the row that step() found.
  std::int64_t integer(int column) const;
  std::uint64_t unsigned_integer(int column) const {
    return static_cast<std::uint64_t>(integer(column));
  }
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  friend class database;
  struct finalizer {
    void operator()(sqlite3_stmt* s) const noexcept;
  };
  explicit statement(sqlite3_stmt* s) : handle_(s) {}
  std::unique_ptr<sqlite3_stmt, finalizer> handle_;
  int bind_error_ = 0;
};

class database {
 public:
  // Opens or creates `path` (mode 0600, its -wal and -shm too), in WAL mode, and brings its schema
  // up to date. ":memory:" is a database that lives as long as the object. `said`, when given, is
  // told more about an error.
  static result<database> open(const std::string& path, const database_options& options,
                               std::string* said = nullptr);

  // One statement. It is kept prepared: make it once, use it often.
  result<statement> prepare(std::string_view sql);
  // Fixed SQL without values and rows; several statements may stand in it.
  result<void> execute(const std::string& sql);

  std::int64_t changes() const;  // rows that the last statement changed
  std::string last_message() const;

 private:
  struct closer {
    void operator()(sqlite3* db) const noexcept;
  };
  explicit database(sqlite3* db) : handle_(db) {}
  std::unique_ptr<sqlite3, closer> handle_;
};

// All or nothing: what is not committed is rolled back by the destructor. Takes the write lock at
// once (BEGIN IMMEDIATE), so that it fails, or waits, at the beginning and not in the middle.
class transaction {
 public:
  static result<transaction> begin(database& db);
  transaction(transaction&& other) noexcept : db_(other.db_) { other.db_ = nullptr; }
  transaction& operator=(transaction&&) = delete;
  ~transaction();

  // After an error nothing was committed, and the transaction is over.
  result<void> commit();

 private:
  explicit transaction(database& db) : db_(&db) {}
  database* db_;
};

}  // namespace tidewire::store_sqlite
