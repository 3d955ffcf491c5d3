#include "transfer/partial_file.hpp"

#include <tidewire/file/blocking.hpp>
#include <tidewire/transfer/error.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/system/errc.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace tidewire::transfer {
namespace {

namespace sys = boost::system;

constexpr std::size_t digest_block_bytes = 1024 * 1024;

error_code error_of(const result<void>& r) {
  return r ? error_code() : r.error();
}

}  // namespace

result<journal_snapshot> read_download_journal(file::handle& journal) {
  journal_snapshot found;
  auto replay = file::replay_journal(journal, download_journal_format,
                                     [&](const file::journal_record& record) {
                                       // Behind a record that makes no sense nothing counts.
                                       if (!found.damaged)
                                         found.damaged = !found.state.apply(record);
                                     });
  if (!replay) return replay.error();
  found.valid_bytes = replay->valid_bytes;
  found.damaged = found.damaged || replay->torn_tail;
  return found;
}

result<std::unique_ptr<partial_file>> partial_file::open(file::filesystem& disk, std::string target,
                                                         durability level, bool overwrite,
                                                         std::string& problem) {
  std::unique_ptr<partial_file> self(new partial_file(disk, std::move(target), level, overwrite));
  auto& paths = self->paths_;
  auto folder = file::directory_of(paths.target);
  if (auto is = disk.is_directory(folder); !is || !*is) {
    problem = "the folder '" + folder + "' does not exist; create it or choose another";
    return is ? sys::errc::make_error_code(sys::errc::no_such_file_or_directory) : is.error();
  }
  auto exists = disk.exists(paths.target);
  if (!exists) return exists.error();
  if (auto is = disk.is_directory(paths.target); is && *is) {
    problem = "'" + paths.target + "' is a folder; give the name of a file";
    return sys::errc::make_error_code(sys::errc::is_a_directory);
  }
  if (*exists && !overwrite) {
    self->remove_finished_journal();
    problem = "'" + paths.target +
              "' exists and was left alone; remove it, choose another name or "
              "allow overwriting";
    return make_error_code(errc::target_exists);
  }
  auto was_there = disk.exists(paths.part);
  if (!was_there) return was_there.error();
  if (auto r = self->lock_part(problem); !r) return r.error();
  if (auto r = self->load_journal(problem); !r) {
    // The empty part file that was made for its lock is no use to anybody.
    if (!*was_there) (void)disk.remove(paths.part);
    return r.error();
  }
  return self;
}

partial_file::~partial_file() = default;

// A process that ended between the last rename and the removal of its journal left the latter.
void partial_file::remove_finished_journal() {
  if (auto part = disk_.exists(paths_.part); !part || *part) return;
  auto journal = disk_.open(paths_.journal, file::open_mode::read);
  if (!journal) return;
  auto found = read_download_journal(**journal);
  if (found && found->state.complete()) (void)disk_.remove(paths_.journal);
}

// Opens the part file and locks it; another download may rename it away between the two.
result<void> partial_file::lock_part(std::string& problem) {
  constexpr int tries = 8;
  for (int i = 0; i < tries; ++i) {
    auto opened = disk_.open(paths_.part, file::open_mode::create);
    if (!opened) {
      problem = "'" + paths_.part + "' can't be written";
      return opened.error();
    }
    auto locked = disk_.try_lock(**opened);
    if (!locked) return locked.error();
    if (!*locked) break;
    auto named = disk_.names(paths_.part, **opened);
    if (!named) return named.error();
    if (!*named) continue;
    part_ = std::move(*opened);
    return {};
  }
  problem = "another download is writing '" + paths_.part + "'; wait for it or end it";
  return make_error_code(errc::target_busy);
}

result<void> partial_file::load_journal(std::string& problem) {
  auto size = part_->size();
  if (!size) return size.error();
  auto exists = disk_.exists(paths_.journal);
  if (!exists) return exists.error();
  if (!*exists) {
    if (*size == 0) return {};
    problem = "'" + paths_.part +
              "' was there without its journal, so it is not known to be ours; "
              "move it away or remove it";
    return make_error_code(errc::partial_unusable);
  }
  auto opened = disk_.open(paths_.journal, file::open_mode::read_write);
  if (!opened) return opened.error();
  auto found = read_download_journal(**opened);
  if (!found) {
    problem = "'" + paths_.journal + "' is not a journal this version can read (" +
              found.error().message() +
              "); both files were left alone, move them away to begin anew";
    return found.error().category() == file::category() ? make_error_code(errc::partial_unusable)
                                                        : found.error();
  }
  auto boot = disk_.boot_id();
  origin_ = found->state.origin();
  written_ = found->state.held(boot);
  durable_ = promised_ = found->state.durable();
  // Somebody may have cut the part file: what is not there is not held.
  byte_range beyond{*size, ~std::uint64_t{0}};
  written_.remove(beyond);
  durable_.remove(beyond);
  journal_ = std::move(*opened);
  // A fresh journal for this boot, with no damaged tail and nothing that stopped being true.
  return origin_ ? replace_journal() : result<void>();
}

// Writes a journal that says exactly what is held now, and puts it in place of the old one by
// rename: at no moment does the disk have a journal that mixes two generations.
result<void> partial_file::replace_journal() {
  if (auto e = disk_.exists(paths_.next_journal); e && *e) (void)disk_.remove(paths_.next_journal);
  auto opened = disk_.open(paths_.next_journal, file::open_mode::create_new);
  if (!opened) return opened.error();
  auto writer = file::journal_writer::open(**opened, download_journal_format, 0);
  if (!writer) return writer.error();
  writer_.emplace(*writer);
  auto boot = encode_text(disk_.boot_id());
  auto origin = encode_origin(*origin_);
  if (auto r = writer_->append(static_cast<std::uint8_t>(journal_type::boot), boot); !r) return r;
  if (auto r = writer_->append(static_cast<std::uint8_t>(journal_type::origin), origin); !r)
    return r;
  if (auto r = append(journal_type::durable, durable_.ranges()); !r) return r;
  if (auto r = append(journal_type::written, written_.ranges()); !r) return r;
  // A claim that is taken back must be gone for good before the bytes change, or a power cut would
  // bring it back over them; also where nothing else is synced.
  bool sync = level_ == durability::power || promised_ != durable_;
  if (sync) {
    if (auto r = writer_->sync(); !r) return r;
  }
  if (auto r = disk_.rename(paths_.next_journal, paths_.journal, true); !r) return r;
  journal_ = std::move(*opened);
  pending_.clear();
  unsynced_ = written_;
  for (auto& r : durable_.ranges()) unsynced_.remove(r);
  if (sync) {
    if (auto r = disk_.sync_directory(file::directory_of(paths_.part)); !r) return r;
  }
  promised_ = durable_;
  return {};
}

// After a failed sync the kernel may have dropped the pages, and says nothing of it any more: only
// older claims stay true.
void partial_file::distrust_unsynced() {
  written_ = durable_;
  if (replace_journal()) return;
  // The old journal still claims them; what is not in the file is not held whatever it says.
  (void)part_->truncate(durable_.prefix());
  byte_range beyond{durable_.prefix(), ~std::uint64_t{0}};
  written_.remove(beyond);
  durable_.remove(beyond);
}

result<void> partial_file::append(journal_type type, std::span<const byte_range> ranges) {
  while (!ranges.empty()) {
    auto some = ranges.first(std::min(ranges.size(), max_ranges_in_record));
    auto payload = encode_ranges(some);
    if (auto r = writer_->append(static_cast<std::uint8_t>(type), payload); !r) return r;
    ranges = ranges.subspan(some.size());
  }
  return {};
}

result<void> partial_file::begin(const download_origin& origin) {
  origin_ = origin;
  ++generation_;
  written_.clear();
  durable_.clear();
  // First the journal that claims nothing, then the truncation: the other order could leave old
  // claims over new bytes.
  if (auto r = replace_journal(); !r) return r;
  return part_->truncate(0);
}

result<void> partial_file::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (auto r = part_->write_at(offset, bytes); !r) return r;
  byte_range range{offset, offset + bytes.size()};
  written_.add(range);
  pending_.add(range);
  unsynced_.add(range);
  // A failed claim loses nothing but the claim, and a full disk shows at the data soon enough; but
  // then the journal's tail is unknown, so that going on would be guessing.
  return pending_.bytes() >= claim_bytes ? claim_pending() : result<void>();
}

result<void> partial_file::claim_pending() {
  if (pending_.empty() || !writer_) return {};
  auto r = append(journal_type::written, pending_.ranges());
  pending_.clear();
  return r;
}

asio::awaitable<error_code> partial_file::commit() {
  if (auto r = claim_pending(); !r) co_return r.error();
  if (level_ == durability::process || unsynced_.empty()) co_return error_code();
  // What was written before the sync began is covered by it; what comes during it is not.
  auto covered = std::exchange(unsynced_, {});
  auto generation = generation_;
  std::function<error_code()> sync = [this] { return error_of(part_->sync()); };
  auto pool = disk_.blocking_executor();
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await file::async_blocking(pool, std::move(sync), token);
  // A new generation began meanwhile: these claims are about bytes that are gone.
  if (generation != generation_) co_return error_code();
  if (ec) {
    distrust_unsynced();
    co_return ec;
  }
  if (auto r = append(journal_type::durable, covered.ranges()); !r) co_return r.error();
  for (auto& r : covered.ranges()) {
    durable_.add(r);
    promised_.add(r);
  }
  if (writer_->size() > max_journal_bytes) co_return error_of(replace_journal());
  // Shared: a new generation may replace the journal while this one is synced.
  std::function<error_code()> sync_journal = [journal = journal_] {
    return error_of(journal->sync());
  };
  auto journal_token = asio::redirect_error(asio::use_awaitable, ec);
  co_await file::async_blocking(pool, std::move(sync_journal), journal_token);
  co_return ec;
}

asio::awaitable<result<http::sha256_digest>> partial_file::digest(std::uint64_t total) {
  http::sha256_digest value;
  std::function<error_code()> read = [this, total, &value]() -> error_code {
    http::sha256_hasher hasher;
    std::vector<std::byte> block(digest_block_bytes);
    for (std::uint64_t at = 0; at < total;) {
      // What lies behind the end, left by a longer generation, is cut off later.
      auto size = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), total - at));
      auto got = part_->read_at(at, {block.data(), size});
      if (!got) return got.error();
      if (*got == 0) return sys::errc::make_error_code(sys::errc::io_error);
      hasher.update({block.data(), *got});
      at += *got;
    }
    value = hasher.finish();
    return {};
  };
  auto pool = disk_.blocking_executor();
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await file::async_blocking(pool, std::move(read), token);
  if (ec) co_return ec;
  co_return value;
}

asio::awaitable<error_code> partial_file::finish(std::uint64_t total) {
  std::function<error_code()> work = [this, total] { return publish(total); };
  auto pool = disk_.blocking_executor();
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await file::async_blocking(pool, std::move(work), token);
  co_return ec;
}

// The order is law D5: data, its claim, the final name, the directory; the journal goes last.
error_code partial_file::publish(std::uint64_t total) {
  bool power = level_ == durability::power;
  if (auto r = part_->truncate(total); !r) return r.error();
  if (auto r = claim_pending(); !r) return r.error();
  if (power) {
    if (auto r = part_->sync(); !r) {
      distrust_unsynced();
      return r.error();
    }
  }
  if (auto r = writer_->append(static_cast<std::uint8_t>(journal_type::complete), {}); !r)
    return r.error();
  if (power) {
    if (auto r = writer_->sync(); !r) return r.error();
  }
  if (auto r = disk_.share(*part_); !r) return r.error();
  if (auto r = disk_.rename(paths_.part, paths_.target, overwrite_); !r) return r.error();
  finished_ = true;
  if (power) {
    if (auto r = disk_.sync_directory(file::directory_of(paths_.target)); !r) return r.error();
  }
  // A journal left behind is found complete, and removed, by the next run.
  (void)disk_.remove(paths_.journal);
  return {};
}

result<void> partial_file::disown() {
  disowned_ = true;
  ++generation_;  // a commit that is under way makes no claims either
  written_.clear();
  durable_.clear();
  return replace_journal();
}

void partial_file::close() {
  // What was disowned is kept for people to look at, though no run will build on it.
  if (finished_ || disowned_) return;
  if (origin_ && !written_.empty()) {
    // The last claims; if they can't be made those bytes are fetched again.
    (void)claim_pending();
  } else {
    (void)disk_.remove(paths_.part);
    if (auto e = disk_.exists(paths_.journal); e && *e) (void)disk_.remove(paths_.journal);
  }
}

}  // namespace tidewire::transfer
