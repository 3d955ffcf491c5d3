#pragma once

#include <tidewire/core/rng.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tidewire::lab::detail {

using image = std::vector<std::byte>;

// A change of a file's contents that is not yet durable.
struct data_change {
  std::uint64_t offset = 0;
  image bytes;
  std::optional<std::uint64_t> truncate_to;
};

struct inode {
  std::uint64_t number = 0;
  image cache, durable;
  std::vector<data_change> pending;
  std::chrono::sys_time<std::chrono::nanoseconds> modified{};
  std::uint64_t lock_owner = 0;  // a handle's id; 0: nobody
};

// A change of names. `from` empty: creation of `to`; `to` empty: removal of `from`.
struct name_change {
  std::string from, to;
  std::shared_ptr<inode> file;
};

// Everything that a simulated disk holds, without faults: pure state, in both its forms.
class disk_image {
 public:
  std::map<std::string, std::shared_ptr<inode>> names, durable_names;
  std::set<std::string> directories{"/", "."};
  std::vector<name_change> pending_names;
  std::uint64_t next_inode = 1;

  void write(inode& file, std::uint64_t offset, std::span<const std::byte> bytes);
  void truncate(inode& file, std::uint64_t size);
  void sync(inode& file);
  // A failed sync after which the dirty pages count as clean.
  void lose_dirty(inode& file) { file.pending.clear(); }
  std::shared_ptr<inode> create(const std::string& path);
  void rename(const std::string& from, const std::string& to);
  void remove(const std::string& path);
  void sync_directory(const std::string& path);

  // Nothing (random null) or a random part of what is not durable survives.
  void power_cut(rng* random);
  void unlock_all();
  std::uint64_t used_bytes() const;

 private:
  void make_durable(const name_change& change);
};

}  // namespace tidewire::lab::detail
