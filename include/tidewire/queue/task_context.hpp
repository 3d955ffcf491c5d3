#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/queue/task.hpp>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

namespace tidewire::queue {

namespace detail {
struct attempt;
}

// What a handler knows of its attempt. Cheap to copy; thread-safe; may outlive the attempt.
class task_context {
 public:
  explicit task_context(std::shared_ptr<detail::attempt> of) : attempt_(std::move(of)) {}

  task_id id() const;
  const std::string& kind() const;
  const std::string& name() const;
  const std::string& payload() const;   // JSON text, or empty
  const std::string& metadata() const;  // a JSON object, or empty
  std::uint32_t attempt() const;        // 1, 2 …
  std::uint32_t max_attempts() const;
  bool is_last_attempt() const { return attempt() >= max_attempts(); }
  // Grows with every attempt at the task. Give it to what you write to, and refuse older ones
  // there.
  std::uint64_t fence() const;
  // When the attempt is counted as failed, by tidewire::clock.
  clock::time_point deadline() const;

  // The attempt should end: its time is over, the task was cancelled, the lease was lost, or the
  // queue stops. A coroutine's wait is cancelled too.
  bool stop_requested() const noexcept;
  std::stop_token stop_token() const;

  // How far it is, for people: JSON text of at most 4 KiB. The last one is in the store within
  // about a second. errc::bad_payload, errc::payload_too_large.
  error_code progress(std::string json);

 private:
  std::shared_ptr<detail::attempt> attempt_;
};

}  // namespace tidewire::queue
