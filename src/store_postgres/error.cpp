#include <tidewire/core/error.hpp>
#include <tidewire/store_postgres/error.hpp>

#include <string>

namespace tidewire::store_postgres {
namespace {

class postgres_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.store_postgres"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::unreachable:
        return "the database server can't be reached";
      case errc::lost:
        return "the connection to the database was lost";
      case errc::timed_out:
        return "the database did not answer in time";
      case errc::cancelled:
        return "the database call was cancelled";
      case errc::rolled_back:
        return "the transaction was rolled back against others";
      case errc::locked:
        return "somebody else holds it in the database";
      case errc::exhausted:
        return "the database server has no room";
      case errc::refused:
        return "the database server refused";
      case errc::constraint:
        return "the database's rules forbid it";
      case errc::newer_schema:
        return "the database was written by a later version";
      case errc::bad_address:
        return "this is no address of a PostgreSQL database";
      case errc::misuse:
        return "the database was used wrongly";
      case errc::failed:
        return "the database failed";
    }
    return "unknown error";
  }

  boost::system::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::unreachable:
      case errc::lost:
      case errc::timed_out:
      case errc::rolled_back:
      case errc::locked:
      case errc::exhausted:
        return condition::retryable;
      case errc::cancelled:
        return condition::cancelled;
      default:
        return condition::permanent;
    }
  }
};

}  // namespace

const boost::system::error_category& category() noexcept {
  static const postgres_category instance;
  return instance;
}

boost::system::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

}  // namespace tidewire::store_postgres
