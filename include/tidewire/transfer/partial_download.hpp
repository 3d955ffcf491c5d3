#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/file/filesystem.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::transfer {

// What an unfinished download left beside its target.
struct partial_download {
  std::string target;   // the final name
  std::string part;     // target + ".part"
  std::string journal;  // target + ".part.journal"
  std::string source;   // URL without credentials and query
  std::optional<std::uint64_t> total_bytes;
  std::uint64_t held_bytes = 0;     // would be kept by a run now
  std::uint64_t durable_bytes = 0;  // of which survive a crash of the machine
  bool busy = false;                // a process is downloading it
  error_code problem;               // why it could not be read, if so
};

// Those in a folder, or the one of a target (with or without ".part"). Blocking, thread-safe.
result<std::vector<partial_download>> list_partial_downloads(file::filesystem& disk,
                                                             const std::string& path);

// Removes part and journal of a target. errc::target_busy while somebody downloads;
// errc::partial_unusable when they are not ours. Blocking, thread-safe.
result<void> abort_partial_download(file::filesystem& disk, const std::string& path);

}  // namespace tidewire::transfer
