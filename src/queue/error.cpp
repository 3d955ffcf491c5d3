#include <tidewire/core/error.hpp>
#include <tidewire/queue/error.hpp>

#include <string>

namespace tidewire::queue {
namespace {

namespace sys = boost::system;

const char* text_of(errc e) {
  switch (e) {
    case errc::bad_payload:
      return "the payload is no JSON text";
    case errc::payload_too_large:
      return "the payload is too large; store it elsewhere and enqueue where it is";
    case errc::bad_metadata:
      return "the metadata is no JSON object, or too large";
    case errc::bad_name:
      return "a kind, name or key is too long, or no printable UTF-8";
    case errc::bad_delay:
      return "the delay is negative, or too long";
    case errc::bad_option:
      return "attempts, a time-out or a limit is outside its bounds";
    case errc::bad_cron:
      return "not a cron expression";
    case errc::cron_never_fires:
      return "the cron expression never fires";
    case errc::unknown_kind:
      return "no handler is registered for this kind of task";
    case errc::unknown_dependency:
      return "a task that it depends on is not there";
    case errc::dependency_failed:
      return "a task that it depends on did not succeed";
    case errc::in_process_only:
      return "functions can be tasks of a memory store alone; register a handler for a kind";
    case errc::not_found:
      return "no such task";
    case errc::not_final:
      return "the task has not ended";
    case errc::lost:
      return "the lease was lost to another attempt";
    case errc::full:
      return "the store is full";
    case errc::failed:
      return "all attempts failed";
    case errc::discarded:
      return "the task was discarded";
    case errc::cancelled:
      return "the task was cancelled";
    case errc::unknown_outcome:
      return "it is not known whether the task's effect happened";
    case errc::corrupt:
      return "the store holds something that no task can be";
    case errc::newer_schema:
      return "the queue's tables were made by a later version";
  }
  return "unknown error";
}

class queue_category final : public sys::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.queue"; }
  std::string message(int value) const override { return text_of(static_cast<errc>(value)); }

  sys::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::not_final:
      case errc::lost:
        return condition::conflict;
      case errc::full:
        return condition::retryable;
      case errc::cancelled:
        return condition::cancelled;
      default:
        return condition::permanent;
    }
  }
};

}  // namespace

const sys::error_category& category() noexcept {
  static const queue_category instance;
  return instance;
}

sys::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

}  // namespace tidewire::queue
