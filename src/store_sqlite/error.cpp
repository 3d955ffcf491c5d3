#include <tidewire/core/error.hpp>
#include <tidewire/store_sqlite/error.hpp>

#include <string>

namespace tidewire::store_sqlite {
namespace {

class sqlite_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.store_sqlite"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::corrupt:
        return "the file is damaged, or no SQLite database";
      case errc::foreign:
        return "the database belongs to another program";
      case errc::newer_schema:
        return "the database was written by a later version";
      case errc::locked:
        return "the database is locked by another process";
      case errc::full:
        return "no space left for the database";
      case errc::io:
        return "the disk failed under the database";
      case errc::cannot_open:
        return "the database can't be opened";
      case errc::constraint:
        return "the database's rules forbid it";
      case errc::misuse:
        return "the database was used wrongly";
      case errc::failed:
        return "the database failed";
    }
    return "unknown error";
  }

  boost::system::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::locked:
      case errc::full:
      case errc::io:
        return condition::retryable;
      default:
        return condition::permanent;
    }
  }
};

}  // namespace

const boost::system::error_category& category() noexcept {
  static const sqlite_category instance;
  return instance;
}

boost::system::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

}  // namespace tidewire::store_sqlite
