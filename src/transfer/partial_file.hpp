#pragma once

#include "transfer/landing.hpp"

#include <tidewire/file/filesystem.hpp>
#include <tidewire/file/journal.hpp>
#include <tidewire/transfer/download_request.hpp>

#include <memory>
#include <string>

namespace tidewire::transfer {

struct partial_paths {
  explicit partial_paths(std::string t)
      : target(std::move(t)),
        part(target + ".part"),
        journal(part + ".journal"),
        next_journal(journal + ".new") {}
  std::string target, part, journal, next_journal;
};

// A journal as found, read completely.
struct journal_snapshot {
  journal_state state;
  std::uint64_t valid_bytes = 0;
  bool damaged = false;  // a record behind valid_bytes can't be read or makes no sense
};
result<journal_snapshot> read_download_journal(file::handle& journal);

// A file that is being downloaded: TARGET.part, sparse, and TARGET.part.journal beside it.
//
// The part file is locked for as long as this object lives; the journal speaks of one generation
// and is replaced as a whole, by rename, when a new one begins. What the two must look like after a
// crash at any moment is laid down in docs/formats/download-journal.md.
class partial_file final : public landing {
 public:
  // Written bytes are claimed in the journal when this many have gathered, or at a commit.
  static constexpr std::uint64_t claim_bytes = 256 * 1024;
  // A journal longer than this is rewritten with its claims merged.
  static constexpr std::uint64_t max_journal_bytes = 4 * 1024 * 1024;

  // Opens or creates. errc::target_exists, target_busy, partial_unusable, or the system's error;
  // `problem` then says what to do. Nothing of a former run is touched.
  static result<std::unique_ptr<partial_file>> open(file::filesystem& disk, std::string target,
                                                    durability level, bool overwrite,
                                                    std::string& problem);
  ~partial_file() override;

  const std::optional<download_origin>& origin() const override { return origin_; }
  range_set held() const override { return written_; }
  bool sequential() const override { return false; }
  result<void> begin(const download_origin& origin) override;
  result<void> write(std::uint64_t offset, std::span<const std::byte> bytes) override;
  asio::awaitable<error_code> commit() override;
  asio::awaitable<result<http::sha256_digest>> digest(std::uint64_t total) override;
  asio::awaitable<error_code> finish(std::uint64_t total) override;
  result<void> disown() override;
  void close() override;
  std::string path() const override { return finished_ ? paths_.target : paths_.part; }

 private:
  partial_file(file::filesystem& disk, std::string target, durability level, bool overwrite)
      : disk_(disk), paths_(std::move(target)), level_(level), overwrite_(overwrite) {}

  void remove_finished_journal();
  result<void> lock_part(std::string& problem);
  result<void> load_journal(std::string& problem);
  result<void> replace_journal();
  void distrust_unsynced();
  result<void> claim_pending();
  result<void> append(journal_type type, std::span<const byte_range> ranges);
  error_code publish(std::uint64_t total);

  file::filesystem& disk_;
  partial_paths paths_;
  durability level_;
  bool overwrite_;
  std::unique_ptr<file::handle> part_;
  std::shared_ptr<file::handle> journal_;
  std::optional<file::journal_writer> writer_;
  std::optional<download_origin> origin_;
  range_set written_;   // handed to the operating system
  range_set durable_;   // covered by a successful sync, and claimed so
  range_set promised_;  // durable claims that the platter's journal may still make
  range_set pending_;   // written, not yet claimed
  range_set unsynced_;  // written since the last sync began
  unsigned generation_ = 0;
  bool finished_ = false, disowned_ = false;
};

}  // namespace tidewire::transfer
