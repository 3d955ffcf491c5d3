#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/file/filesystem.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace tidewire::file {

// An append-only log of records, each with length, type and CRC-32C, so that a torn or foreign tail
// is seen. The layout is in docs/formats/journal.md. Knows nothing about what the records mean.
//
// The header carries a magic of the owning format and its version.
struct journal_format {
  char magic[4];
  std::uint16_t version;
};

struct journal_record {
  std::uint8_t type;
  std::span<const std::byte> payload;  // valid during the call
};

// How a journal was found.
struct journal_replay {
  std::uint64_t valid_bytes = 0;  // up to the end of the last whole record
  std::uint64_t records = 0;
  std::uint16_t version = 0;  // as the header has it, at most the format's; 0 without a header
  bool torn_tail = false;     // something behind that was cut off mid-write, or is damaged
};

// Reads records in order until the end or the first damaged one. errc::foreign_journal when the
// header is of another format or damaged, errc::newer_journal for a later version. An empty file,
// one that ends within the header, or one of zero bytes only (what a power cut can leave of a file
// that was not synced) is an empty journal with torn_tail set.
result<journal_replay> replay_journal(handle& file, const journal_format& format,
                                      const std::function<void(const journal_record&)>& visit);

// Appends records. Not thread-safe, except that sync() may run on another thread than append().
class journal_writer {
 public:
  static constexpr std::size_t max_payload_bytes = 64 * 1024;

  // `file` is borrowed. `valid_bytes` as replayed: what lies behind is cut off. 0 starts anew.
  // errc::invalid_argument (of the core) for a size that no replay of this file gives.
  static result<journal_writer> open(handle& file, const journal_format& format,
                                     std::uint64_t valid_bytes);

  // One write call a record. errc::invalid_argument (of the core) for a payload beyond the maximum.
  // After another error the journal ends where it did before, and append() may be tried again.
  result<void> append(std::uint8_t type, std::span<const std::byte> payload);
  result<void> sync() { return file_->sync(); }
  std::uint64_t size() const { return end_; }

 private:
  journal_writer(handle& file, std::uint64_t end) : file_(&file), end_(end) {}
  handle* file_;
  std::uint64_t end_;
};

enum class errc {
  foreign_journal = 1,  // [permanent] not a journal of this format
  newer_journal,        // [permanent] written by a later version
};
const boost::system::error_category& category() noexcept;
boost::system::error_code make_error_code(errc) noexcept;

// CRC-32C (Castagnoli), as iSCSI and ext4 use it.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous = 0) noexcept;

}  // namespace tidewire::file

template <>
struct boost::system::is_error_code_enum<tidewire::file::errc> : std::true_type {};
