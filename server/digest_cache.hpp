#pragma once

#include <tidewire/file/filesystem.hpp>
#include <tidewire/http/digest.hpp>

#include <cstddef>
#include <memory>
#include <optional>

namespace tidewire::server {

// Same name for the same bytes, as far as the disk can tell.
bool same_generation(const file::status& a, const file::status& b);

// SHA-256 values of files, by identity, computed in the background on the file system's blocking
// executor. Thread-safe. Bounded: the least recently used value makes room; while max_pending files
// are being read, further ones wait for a later request to ask again.
class digest_cache {
 public:
  static constexpr std::size_t max_entries = 1024;
  static constexpr std::size_t max_pending = 16;

  explicit digest_cache(file::filesystem& disk);
  // What is being computed is given up at its next slice.
  ~digest_cache();

  // The value if it is known; otherwise starts to compute it.
  std::optional<http::sha256_digest> find(const std::shared_ptr<file::handle>& file,
                                          const file::status& identity);

 private:
  struct state;
  struct job;
  static void next_slice(std::shared_ptr<job> work);

  std::shared_ptr<state> state_;
};

}  // namespace tidewire::server
