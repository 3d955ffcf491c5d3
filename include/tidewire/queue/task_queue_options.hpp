#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/queue/task_store.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace tidewire::queue {

struct task_queue_options {
  std::string worker{};  // for people; empty: a random name

  std::size_t max_concurrency = 3;  // handlers at once; one that ignores its time-out counts
  lane_policy lanes = lane_policy::weighted;

  // Enqueuing a kind that has no handler here fails (errc::unknown_kind). Otherwise such a task
  // waits for another worker that has one.
  bool known_kinds_only = false;

  // Of tasks that don't say.
  std::uint32_t max_attempts = 3;
  milliseconds timeout = std::chrono::seconds(30);
  milliseconds retry_delay = std::chrono::seconds(1);

  // The delay before an attempt doubles up to this; it is drawn between zero and that.
  milliseconds max_retry_delay = std::chrono::hours(1);

  // How long a worker may be silent before others take its tasks over. Renewed at a third of it.
  milliseconds lease = std::chrono::seconds(30);
  // How often an idle queue looks for tasks of other processes, where the store can't tell.
  milliseconds poll_interval = std::chrono::milliseconds(500);
  // Quick tasks are claimed ahead, as many as ended since the last claim, up to this.
  std::size_t max_claimed_ahead = 512;
  // Tasks that wait to be written; beyond, enqueuing fails with errc::limit_exceeded.
  std::size_t max_pending = 100'000;
  std::size_t batch = 512;  // of each kind of work in one transaction

  retention keep{};
  milliseconds prune_interval = std::chrono::minutes(1);

  // async_stop() waits so long for handlers, then tells them to end and waits again.
  milliseconds stop_grace = std::chrono::seconds(30);
  milliseconds cancel_grace = std::chrono::seconds(5);

  // Where a blocking store is called; empty: a thread of the queue's own. Nothing else may block
  // it, or leases are lost.
  executor store_executor{};
  // Where blocking handlers run; empty: a pool of max_concurrency threads.
  executor handler_executor{};
};

}  // namespace tidewire::queue
