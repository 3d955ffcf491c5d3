#pragma once

#include <tidewire/core/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tidewire::file {

// An open file. Calls block; a module that must not wait runs sync() and long reads on
// filesystem::blocking_executor(). write_at, read_at and sync may run at once on several threads.
// Closed by the destructor.
class handle {
 public:
  virtual ~handle() = default;
  // All or an error; a short write is retried and ends as the error behind it (no_space_on_device).
  virtual result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  // How much was read; less than asked only at the end of the file.
  virtual result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> space) = 0;
  virtual result<std::uint64_t> size() = 0;
  virtual result<void> truncate(std::uint64_t size) = 0;
  // Data and size are durable on success (fdatasync). After a failure nothing is known about the
  // writes since the last success: a later success proves nothing about them (fsyncgate).
  virtual result<void> sync() = 0;
};

enum class open_mode {
  read,        // must exist
  read_write,  // must exist
  create,      // made empty if missing, kept if there; mode 0600
  create_new,  // must not exist; mode 0600
};

// What is known of an open file without reading it.
struct status {
  std::uint64_t size;
  std::chrono::sys_time<std::chrono::nanoseconds> modified;
  std::uint64_t inode;
  bool regular;  // false for a directory, a pipe, a device …
};

// The only door to the disk. One implementation is POSIX, one the lab's simulated disk.
// Paths are as the operating system takes them. Thread-safe.
class filesystem {
 public:
  virtual ~filesystem() = default;
  // list() refuses folders with more names.
  static constexpr std::size_t max_listed_names = 100'000;

  // Never follows a symbolic link in the last component when it creates or writes
  // (errc::too_many_symbolic_link_levels); open_mode::read does. Never waits for a pipe's other
  // end: who opens what others named looks at status::regular first.
  virtual result<std::unique_ptr<handle>> open(const std::string& path, open_mode mode) = 0;
  virtual result<status> stat(handle& file) = 0;
  // An exclusive advisory lock on an open file, given up when the handle closes or the process
  // ends. False: another handle holds it, be it in this process or in another.
  virtual result<bool> try_lock(handle& file) = 0;
  // True when `path` still names the file behind `file`: after locking, it may have been replaced.
  virtual result<bool> names(const std::string& path, handle& file) = 0;
  // A symbolic link counts as existing, wherever it leads; is_directory() follows it.
  virtual result<bool> exists(const std::string& path) = 0;
  virtual result<bool> is_directory(const std::string& path) = 0;
  // Private so far (0600): gives a file the permissions that the process's umask asks for.
  virtual result<void> share(handle& file) = 0;
  // Atomic. With `replace` false an existing target is errc::file_exists.
  virtual result<void> rename(const std::string& from, const std::string& to, bool replace) = 0;
  virtual result<void> remove(const std::string& path) = 0;
  // The names in a folder, sorted bytewise, without "." and "..". errc::limit_exceeded (of the
  // core) beyond max_listed_names.
  virtual result<std::vector<std::string>> list(const std::string& folder) = 0;
  // Makes renames, creations and removals in a directory durable.
  virtual result<void> sync_directory(const std::string& path) = 0;
  // Bytes free to this user, where `path` lives.
  virtual result<std::uint64_t> free_space(const std::string& path) = 0;
  // Changes with every boot of the machine: what was written but not synced is trusted within one.
  // Where the system gives none it is another one for each object, so that nothing is trusted.
  virtual std::string boot_id() = 0;
  // Where blocking calls run without holding up a strand.
  virtual executor blocking_executor() = 0;
};

// The machine's own disk, with `threads` threads for blocking calls. Must not be destroyed on one
// of these; work that has not begun by then is dropped.
std::unique_ptr<filesystem> make_posix_filesystem(std::size_t threads = 1);

// The directory part of a path, "." when there is none.
std::string directory_of(const std::string& path);

}  // namespace tidewire::file
