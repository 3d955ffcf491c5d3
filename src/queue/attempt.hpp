#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/queue/task_handler.hpp>
#include <tidewire/queue/task_store.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

namespace tidewire::queue::detail {

// Why a handler was told to end.
enum class ending : std::uint8_t { none, late, cancelled, lost, stopping };

// Where progress goes; a base of the desk.
class progress_sink {
 public:
  virtual ~progress_sink() = default;
  virtual void note_progress(progress_note note) = 0;  // thread-safe
};

// One attempt that this process makes, from its claim until its handler has ended.
struct attempt {
  attempt(claimed_task t, std::size_t slot) : task(std::move(t)), lease_slot(slot) {}

  claimed_task task;
  std::size_t lease_slot;  // in the desk's list of leases
  clock::time_point deadline = clock::time_point::max();
  std::weak_ptr<progress_sink> progress;

  // Touched on the strand.
  asio::cancellation_signal cancel;
  ending why = ending::none;
  bool settled = false;  // its outcome is decided, though its handler may run on

  std::stop_source stop{std::nostopstate};
};

}  // namespace tidewire::queue::detail
