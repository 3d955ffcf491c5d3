#pragma once

#include <tidewire/core/types.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct pg_result;

namespace tidewire::store_postgres {

// The values of a statement's $1, $2, …, in order. They are copied. Their types are those that the
// statement gives them: write `$1::bigint` where it does not say.
class parameters {
 public:
  parameters& add(std::int64_t value);
  parameters& add(int value) { return add(static_cast<std::int64_t>(value)); }
  parameters& add(std::uint64_t value) {  // below 2^63
    return add(static_cast<std::int64_t>(value));
  }
  parameters& add(double value);
  parameters& add(bool value);
  // UTF-8. With a NUL in it, which PostgreSQL can't hold, the call ends with errc::misuse.
  parameters& add(std::string_view text);
  parameters& add(const char* text) { return add(std::string_view(text)); }
  parameters& add(const std::string& text) { return add(std::string_view(text)); }
  template <class T>
  parameters& add(const std::optional<T>& value) {
    return value ? add(*value) : add_null();
  }
  parameters& add_null();
  parameters& add_bytes(std::span<const std::byte> bytes);  // bytea
  // Arrays: `unnest($1::text[], $2::bigint[])` makes rows of them.
  parameters& add_array(std::span<const std::int64_t> values);
  parameters& add_array(std::span<const std::string> texts);
  parameters& add_array(std::span<const std::optional<std::string>> texts);

  std::size_t size() const { return values_.size(); }

 private:
  friend class connection;
  struct bound {
    std::string text;
    bool null = false, binary = false;
  };
  parameters& push(std::string text, bool null = false, bool binary = false);
  std::vector<bound> values_;
  bool unfit_ = false;
};

// One SQL statement that is used often: each connection prepares it at its first use. Cheap to
// keep, belongs to no connection; may be shared by threads.
class statement {
 public:
  explicit statement(std::string sql) : sql_(std::move(sql)) {}
  const std::string& sql() const { return sql_; }

 private:
  std::string sql_;
};

// The answer to a statement, whole and in memory. Rows and columns count from 0. Views are valid as
// long as the object.
class rows {
 public:
  rows() = default;
  // Takes the result over.
  explicit rows(pg_result* r) : result_(r) {}

  std::size_t size() const;
  bool empty() const { return size() == 0; }
  bool is_null(std::size_t row, int column) const;
  std::string_view text(std::size_t row, int column) const;  // empty for NULL
  std::int64_t integer(std::size_t row, int column) const;   // 0 for NULL
  std::uint64_t unsigned_integer(std::size_t row, int column) const {
    return static_cast<std::uint64_t>(integer(row, column));
  }
  double real(std::size_t row, int column) const;
  bool boolean(std::size_t row, int column) const;
  std::string bytes(std::size_t row, int column) const;  // of a bytea
  // Rows that an INSERT, UPDATE, DELETE or SELECT touched.
  std::uint64_t affected() const;

 private:
  struct clearer {
    void operator()(pg_result* r) const noexcept;
  };
  std::unique_ptr<pg_result, clearer> result_;
};

// Statements that go to the server together and cost one round trip (libpq's pipeline mode).
// Outside a transaction they are one: all or nothing. After an error the rest is not run.
class batch {
 public:
  static constexpr std::size_t max_statements = 10'000;

  batch& add(const statement& s, parameters values = {}) {
    entries_.push_back({s.sql(), std::move(values), true});
    return *this;
  }
  // SQL that is used once: BEGIN, COMMIT, NOTIFY ….
  batch& add(std::string sql, parameters values = {}) {
    entries_.push_back({std::move(sql), std::move(values), false});
    return *this;
  }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

 private:
  friend class connection;
  struct entry {
    std::string sql;
    parameters values;
    bool keep;  // prepared
  };
  std::vector<entry> entries_;
};

}  // namespace tidewire::store_postgres
