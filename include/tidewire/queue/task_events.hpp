#pragma once

#include <tidewire/core/signal.hpp>
#include <tidewire/queue/task_store.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace tidewire::queue {

// Of which task an event tells.
struct task_info {
  task_id id = 0;
  std::string kind, name, metadata;
  queue::priority priority = queue::priority::medium;
  std::uint32_t attempt = 0, max_attempts = 0;
};

struct task_added {
  task_info task;
};
struct task_started {
  task_info task;
};
struct task_completed {
  task_info task;
  std::string result;  // JSON text, or empty
};
// An attempt failed, snoozed ones not counted.
struct task_failed {
  task_info task;
  std::string error;
  bool will_retry = false;
  milliseconds next_attempt{};  // from now, when it will
};
// The task is a dead letter now: the last attempt failed, or said that more are of no use, or the
// outcome is not known.
struct task_exhausted {
  task_info task;
  std::string error;
  task_state state = task_state::failed;
};
// It will not run, or its handler was told to end; then the end is told too.
struct task_cancelled {
  task_id id = 0;
  bool running = false;
};
struct processing_started {};
// No live task is left in the store: nothing ready, scheduled, retrying or running (T10).
struct processing_completed {};
struct processing_paused {};
struct processing_resumed {};
// The store failed; what was to be written is tried again.
struct store_trouble {
  error_code error;
};

// What a queue tells. Listeners run on its strand and may do anything but destroy the queue's
// store. Connect on the strand, or before anything is enqueued or registered. Tasks that other
// workers run are told of there.
struct task_events {
  signal<task_added> added;
  signal<task_started> started;
  signal<task_completed> completed;
  signal<task_failed> failed;
  signal<task_exhausted> exhausted;
  signal<task_cancelled> cancelled;
  signal<queue::processing_started> processing_started;
  signal<queue::processing_completed> processing_completed;
  signal<queue::processing_paused> processing_paused;
  signal<queue::processing_resumed> processing_resumed;
  signal<queue::store_trouble> store_trouble;
};

// A snapshot.
struct queue_status {
  queue_stats store;        // all workers'
  std::size_t active = 0;   // handlers that run here, those past their time-out too
  bool processing = false;  // between processing_started and processing_completed
  bool paused = false;

  std::uint64_t queued(priority lane) const { return store.ready[static_cast<std::size_t>(lane)]; }
  std::uint64_t queued() const { return store.of(task_state::ready); }
  std::uint64_t completed() const { return store.of(task_state::done); }
  std::uint64_t failed() const { return store.of(task_state::failed); }
};

}  // namespace tidewire::queue
