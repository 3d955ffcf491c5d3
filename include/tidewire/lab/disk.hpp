#pragma once

#include <tidewire/core/rng.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/lab/fault_plan.hpp>
#include <tidewire/lab/world.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace tidewire::lab {

// What a disk does wrong. Probabilities in parts in a million; sites "disk.<name>".
struct disk_faults {
  std::uint32_t no_space_ppm = 0;     // a write stores a prefix and fails with no_space_on_device
  std::uint32_t write_error_ppm = 0;  // a write stores nothing and fails with io_error
  std::uint32_t read_error_ppm = 0;   // io_error
  std::uint32_t sync_error_ppm = 0;   // io_error; nothing new is durable, the next one may help
  // The first sync fails and drops the dirty pages; later ones succeed without them (fsyncgate).
  std::uint32_t sync_lost_ppm = 0;
};

// What a crash test may want to fail at a certain call.
enum class disk_call { write, read, sync };

// file::filesystem in memory that knows what would be left after a crash. Every write is kept apart
// until it is synced: the page cache shows it at once, the platter has it only after sync(). Names
// are kept apart in the same way until sync_directory(), as an ordered log of metadata (a
// journalling file system): syncing a directory makes durable every change up to its last one.
//
// Folders must be made by make_directory() ("." and "/" exist, and are durable). No links. Single
// threaded. Handles may outlive a crash, then every call on
// them fails with bad_file_descriptor; they must not outlive the disk.
class disk final : public file::filesystem {
 public:
  static constexpr std::size_t sector_bytes = 512;

  // Without a plan no random faults happen.
  explicit disk(world& w, fault_plan* plan = nullptr);
  ~disk() override;

  // Where "blocking" calls run: by default in the world. A program under test that can be killed
  // needs its own process's executor here, so that they end with it.
  void run_blocking_calls_on(executor ex);

  void make_directory(const std::string& path);
  void set_faults(disk_faults faults);
  // Bytes that all files together may have.
  void set_quota(std::uint64_t bytes);
  // The nth call of that kind from now on (0 is the next) fails: io_error for reads and syncs;
  // `as` for writes.
  void fail_nth(disk_call call, std::uint64_t nth, error_code as);

  // The process dies: handles and locks are gone, the page cache stays.
  void kill();
  // The power goes. Of each file's unsynced writes a random subset survives, single ones torn at
  // sectors; of the unsynced changes of names a random prefix. Another boot_id; handles are gone.
  void power_cut(rng& random);
  // The same at its worst: nothing survives that was not synced.
  void power_cut_losing_all();

  // For oracles: a file as a reader sees it, and what is certain to survive a power cut at this
  // moment under the name it has on the platter. Empty when there is no such file.
  std::vector<std::byte> bytes(const std::string& path) const;
  std::vector<std::byte> durable_bytes(const std::string& path) const;
  bool durably_exists(const std::string& path) const;
  // Names of all files, sorted.
  std::vector<std::string> paths() const;

  // Every write, truncation, sync and change of names counts as one operation.
  std::uint64_t operations() const;
  // Called before each operation with its number; may call kill() or power_cut(): the operation
  // then fails. For crashes in the middle of a run.
  void on_operation(std::function<void(std::uint64_t)> hook);
  // Keeps all operations from now on, so that at_each_crash_point() can rebuild what was there
  // before. Costs memory for every byte written.
  void record_operations();
  // For each prefix of the recorded operations, the empty and the whole one included: a disk in the
  // state after it, as it was left (call kill() or power_cut() on it).
  void at_each_crash_point(
      const std::function<void(std::uint64_t operations, disk& state)>& visit) const;

  result<std::unique_ptr<file::handle>> open(const std::string& path,
                                             file::open_mode mode) override;
  result<file::status> stat(file::handle& file) override;
  result<void> share(file::handle& file) override;
  result<bool> try_lock(file::handle& file) override;
  result<bool> names(const std::string& path, file::handle& file) override;
  result<bool> exists(const std::string& path) override;
  result<bool> is_directory(const std::string& path) override;
  result<std::vector<std::string>> list(const std::string& folder) override;
  result<void> rename(const std::string& from, const std::string& to, bool replace) override;
  result<void> remove(const std::string& path) override;
  result<void> sync_directory(const std::string& path) override;
  result<std::uint64_t> free_space(const std::string& path) override;
  std::string boot_id() override;
  executor blocking_executor() override;

 private:
  class open_file;
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tidewire::lab
