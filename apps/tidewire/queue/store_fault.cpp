#include "queue/store_fault.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/queue/error.hpp>
#include <tidewire/store_sqlite/error.hpp>

namespace tidewire::cli {
namespace {

exit_code of_sqlite(store_sqlite::errc code) {
  using store_sqlite::errc;
  switch (code) {
    case errc::corrupt:
    case errc::foreign:
    case errc::newer_schema:
      return exit_code::partial_unusable;
    case errc::locked:
      return exit_code::network_exhausted;
    case errc::full:
    case errc::io:
    case errc::cannot_open:
      return exit_code::disk;
    default:
      return exit_code::internal;
  }
}

exit_code of_queue(queue::errc code) {
  using queue::errc;
  switch (code) {
    case errc::corrupt:
    case errc::newer_schema:
      return exit_code::partial_unusable;
    default:
      return exit_code::refused;
  }
}

const char* advice_for_sqlite(store_sqlite::errc code) {
  using store_sqlite::errc;
  switch (code) {
    case errc::corrupt:
    case errc::foreign:
      return "It was left as it is. Give the file of a task store, or one that isn't there yet.";
    case errc::newer_schema:
      return "It was left as it is. Install the later version of Tidewire that wrote it.";
    case errc::locked:
      return "Try again; if another program holds the file for long, end it.";
    case errc::full:
      return "Make room and try again.";
    case errc::io:
    case errc::cannot_open:
      return "The folder must exist, and file and folder must be writable.";
    default:
      return "This is a defect of Tidewire: please report it.";
  }
}

}  // namespace

exit_code exit_code_of_store(const error_code& code) {
  if (!code) return exit_code::ok;
  if (code.category() == store_sqlite::category())
    return of_sqlite(static_cast<store_sqlite::errc>(code.value()));
  if (code.category() == queue::category()) return of_queue(static_cast<queue::errc>(code.value()));
  if (code == condition::retryable || code == tidewire::errc::timed_out)
    return exit_code::network_exhausted;
  return exit_code::internal;
}

std::string advice_for_store(const error_code& code) {
  if (code.category() == store_sqlite::category())
    return advice_for_sqlite(static_cast<store_sqlite::errc>(code.value()));
  if (code == queue::errc::newer_schema)
    return "It was left as it is. Install the later version of Tidewire that wrote it.";
  if (code == condition::retryable) return "Try again.";
  return {};
}

}  // namespace tidewire::cli
