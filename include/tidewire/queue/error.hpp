#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>

namespace tidewire::queue {

// What can be wrong with a task, or become of it. The condition behind each name is in brackets.
// Errors of a store's database come as they are (store_sqlite::errc …).
enum class errc {
  bad_payload = 1,     // [permanent] no JSON text; see check_json()
  payload_too_large,   // [permanent] beyond task_bounds::payload_bytes
  bad_metadata,        // [permanent] no JSON object, or beyond task_bounds::metadata_bytes
  bad_name,            // [permanent] a kind, name or key that is too long or no printable UTF-8
  bad_delay,           // [permanent] negative, or beyond task_bounds::delay
  bad_option,          // [permanent] attempts, time-outs or limits outside their bounds
  bad_cron,            // [permanent] no cron expression
  cron_never_fires,    // [permanent] a date that no year has, such as 30 February
  unknown_kind,        // [permanent] no handler is registered for this kind
  unknown_dependency,  // [permanent] a task that it should wait for is not there
  dependency_failed,   // [permanent] a task that it waited for did not succeed
  in_process_only,     // [permanent] functions can be tasks of a memory store alone
  not_found,           // [permanent] no such task; it may have been pruned
  not_final,           // [conflict] only a task that has ended can be replayed
  lost,                // [conflict] the lease ended and another attempt has the task
  full,                // [retryable] the store has as many tasks as it may have
  failed,              // [permanent] all attempts were used up: a dead letter
  discarded,           // [permanent] the handler said that trying again changes nothing
  cancelled,           // [cancelled] somebody cancelled it
  unknown_outcome,     // [permanent] whether the effect happened is not known; parked
  corrupt,             // [permanent] the store holds something that no task can be
  newer_schema,        // [permanent] the tables were made by a later version
};

const boost::system::error_category& category() noexcept;
boost::system::error_code make_error_code(errc) noexcept;

}  // namespace tidewire::queue

template <>
struct boost::system::is_error_code_enum<tidewire::queue::errc> : std::true_type {};
