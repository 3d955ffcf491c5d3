#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/queue/outcome.hpp>
#include <tidewire/queue/task.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tidewire::queue {

enum class lane_policy {
  weighted,  // of 10 starts 6 are high, 3 medium, 1 low, while all three are ready; never idle
  strict,    // low starts when nothing else is ready
};
// By weighted lanes the first ready task of a lane is among this many that are claimed next.
constexpr std::size_t claims_until_low = 10;

struct insert_outcome {
  task_id id = 0;          // also of a duplicate
  bool duplicate = false;  // its name, unique key or tick is taken; nothing was written
  error_code error;        // an errc: this task was not taken, others of the call were
};

// The end of one attempt. Counts only with the fence of the claim.
struct settlement {
  task_id id = 0;
  std::uint64_t fence = 0;
  queue::outcome outcome = queue::outcome::done();
};

struct settle_outcome {
  enum class kind : std::uint8_t {
    applied,
    repeated,  // this attempt was settled before: nothing changed
    lost,      // another attempt has the task, or it is gone: nothing changed
  };
  kind what = kind::lost;
  task_state state = task_state::unknown;  // of the task now
  milliseconds next_attempt{};             // when it is retrying, from now
};

struct progress_note {
  task_id id = 0;
  std::uint64_t fence = 0;
  std::string progress;  // JSON text
};

struct claim_request {
  std::string worker;  // for people; two workers of one name do no harm
  std::vector<std::string> kinds;
  std::size_t count = 1;
  milliseconds lease = std::chrono::seconds(30);
  lane_policy lanes = lane_policy::weighted;
};

// An attempt that begins. It is the worker's until lease_until, unless that is renewed.
struct claimed_task {
  task_id id = 0;
  std::uint64_t fence = 0;
  std::uint32_t attempt = 1, max_attempts = 1;
  queue::priority priority = queue::priority::medium;
  milliseconds timeout{}, retry_delay{};
  queue_time lease_until{};
  std::string kind, payload, metadata, name;
  std::shared_ptr<const task_handler> function;  // of kind ""
};

// What is to be done in one transaction, in this order.
struct store_work {
  std::vector<settlement> settlements;
  std::vector<progress_note> progress;
  std::vector<new_task> inserts;
  std::optional<claim_request> claim;
};

struct store_answer {
  std::vector<settle_outcome> settlements;  // one for each
  std::vector<insert_outcome> inserts;      // one for each
  std::vector<claimed_task> claimed;        // none while paused
};

struct held_lease {
  task_id id = 0;
  std::uint64_t fence = 0;
};

struct renewal {
  std::vector<held_lease> lost;  // of those asked for: another attempt has them, or may have
  std::vector<task_id> cancel_requested;
  bool paused = false;
};

enum class cancel_answer : std::uint8_t {
  cancelled,      // it had not started and never will
  requested,      // it is running; its handler is told
  already_final,  // it had ended before
  not_found,
};

struct rescued_task {
  task_id id = 0;
  std::uint64_t fence = 0;  // of the attempt that was given up
  task_state state = task_state::ready;
};

struct due_answer {
  bool idle = true;  // no live task at all (T10)
  bool paused = false;
  std::optional<milliseconds> ready_after;  // until the next one of these kinds may be claimed
  std::optional<milliseconds> lease_ends;   // until the next lease of anybody ends
};

// Finished tasks are kept within both; dead letters by their own age.
struct retention {
  milliseconds finished_age = std::chrono::hours(24 * 7);
  milliseconds dead_letter_age = std::chrono::hours(24 * 90);
  std::size_t max_finished = 10'000;  // of all that have ended, dead letters too
};

struct task_filter {
  std::optional<task_state> state;
  std::optional<queue::priority> priority;
  std::string kind, batch;  // empty: any
  task_id after = 0;        // only larger ids: the next page
  std::size_t limit = 100;  // at most 10,000
};

struct queue_stats {
  std::array<std::uint64_t, task_states> states{};  // by task_state
  std::array<std::uint64_t, priorities> ready{};    // by priority
  bool paused = false;
  std::optional<milliseconds> oldest_ready;  // how long ago the first ready task was enqueued

  std::uint64_t of(task_state s) const { return states[static_cast<std::size_t>(s)]; }
  std::uint64_t live() const;
};

struct store_traits {
  bool blocking = true;     // calls may wait for a disk or a network
  bool own_clock = false;   // `now` is ignored: the time is the server's
  bool in_process = false;  // may hold tasks that are functions (kind "")
};

// The moment at which a process joins the queue's clock.
struct machine_moment {
  std::string boot;          // names the run of the machine whose monotonic clock this is
  milliseconds monotonic{};  // tidewire::clock
  queue_time wall{};
};

// Where tasks are. Pure rules are in src/queue; a store keeps rows by them. One call at a time,
// from any thread; a blocking store's calls may wait. After an error nothing was done, unless the
// error came with the commit, when it is not known.
//
// `now` never goes back for one caller, but callers may differ by a little. Every implementation
// must pass src/queue/task_store_suite_test_support.hpp (laws T1-T3, T5, T6, T9-T11).
class task_store {
 public:
  virtual ~task_store() = default;
  virtual store_traits traits() const = 0;

  // What is to be added to the machine's monotonic time to have the queue's: the same answer for
  // all processes of a boot; after another boot never less than any time before.
  virtual result<milliseconds> join_clock(const machine_moment& moment) = 0;

  virtual result<store_answer> apply(store_work work, queue_time now) = 0;

  // Makes leases last until now + lease. What has expired is renewed too while nobody has rescued
  // it.
  virtual result<renewal> renew(std::span<const held_lease> leases, milliseconds lease,
                                queue_time now) = 0;
  virtual result<cancel_answer> cancel(task_id id, queue_time now) = 0;
  // Gives up attempts whose lease has ended: the next attempt is ready at once, or the task has
  // failed. At most `most` a call.
  virtual result<std::vector<rescued_task>> reap(std::size_t most, queue_time now) = 0;
  virtual result<due_answer> next_due(std::span<const std::string> kinds, queue_time now) = 0;

  // For all workers: nothing is claimed while paused.
  virtual result<void> set_paused(bool paused) = 0;

  // A final task begins anew, with all its attempts; errc::not_final, errc::not_found. For all dead
  // letters of a filter: how many there were.
  virtual result<void> replay(task_id id, queue_time now) = 0;
  virtual result<std::size_t> replay_all(const task_filter& which, queue_time now) = 0;
  // A scheduled or retrying task is ready now. False: it was not waiting for its time.
  virtual result<bool> hasten(task_id id, queue_time now) = 0;
  // Drops what is beyond, a bounded piece a call: how many were dropped.
  virtual result<std::size_t> prune(const retention& keep, queue_time now) = 0;

  virtual result<std::optional<task_record>> find(task_id id) = 0;
  virtual result<std::optional<task_record>> find(const std::string& name) = 0;
  virtual result<std::vector<task_record>> list(const task_filter& which) = 0;  // by id
  virtual result<queue_stats> stats(const task_filter& which, queue_time now) = 0;

  // `changed` is called, from any thread, when tasks may have become ready, or ended; until the
  // answer is destroyed. It must only take note: no calls of the store. Null: this store can't
  // tell, ask it from time to time.
  virtual std::shared_ptr<void> watch(std::function<void()> changed);
};

struct memory_store_options {
  std::size_t max_live = 10'000'000;  // more are refused: errc::full
};

// Everything in this process, nothing after it. Calls may come from several threads at once.
std::unique_ptr<task_store> make_memory_task_store(memory_store_options options = {});

}  // namespace tidewire::queue
