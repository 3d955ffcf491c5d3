#include "digest_cache.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>
#include <vector>

namespace tidewire::server {
namespace {

// Between two slices other work gets its turn on the blocking executor.
constexpr std::size_t slice_bytes = 1024 * 1024;

struct entry {
  file::status identity;
  http::sha256_digest value;
};

}  // namespace

bool same_generation(const file::status& a, const file::status& b) {
  return a.inode == b.inode && a.size == b.size && a.modified == b.modified;
}

struct digest_cache::state {
  explicit state(file::filesystem& d) : disk(&d) {}

  file::filesystem* disk;
  std::mutex mutex;
  std::list<entry> known;             // most recently used first
  std::vector<file::status> pending;  // being computed
  bool stopped = false;               // then `disk` may be gone
};

struct digest_cache::job {
  std::shared_ptr<state> owner;
  std::shared_ptr<file::handle> file;
  file::status identity;
  executor where;
  http::sha256_hasher hasher;
  std::uint64_t offset = 0;

  // Ends the job, with a value or without.
  void finish(std::optional<http::sha256_digest> value) {
    std::lock_guard lock(owner->mutex);
    std::erase_if(owner->pending, [&](auto& s) { return same_generation(s, identity); });
    if (!value) return;
    owner->known.push_front({identity, *value});
    if (owner->known.size() > max_entries) owner->known.pop_back();
  }
};

digest_cache::digest_cache(file::filesystem& disk) : state_(std::make_shared<state>(disk)) {}

digest_cache::~digest_cache() {
  std::lock_guard lock(state_->mutex);
  state_->stopped = true;
}

std::optional<http::sha256_digest> digest_cache::find(const std::shared_ptr<file::handle>& file,
                                                      const file::status& identity) {
  auto same = [&](const file::status& s) { return same_generation(s, identity); };
  std::lock_guard lock(state_->mutex);
  auto& known = state_->known;
  auto hit = std::find_if(known.begin(), known.end(), [&](auto& e) { return same(e.identity); });
  if (hit != known.end()) {
    known.splice(known.begin(), known, hit);
    return hit->value;
  }
  auto& pending = state_->pending;
  if (pending.size() >= max_pending || std::any_of(pending.begin(), pending.end(), same))
    return std::nullopt;
  pending.push_back(identity);
  auto work = std::make_shared<job>();
  work->owner = state_;
  work->file = file;
  work->identity = identity;
  work->where = state_->disk->blocking_executor();
  asio::post(work->where, [work]() mutable { next_slice(std::move(work)); });
  return std::nullopt;
}

void digest_cache::next_slice(std::shared_ptr<job> work) {
  std::vector<std::byte> space(slice_bytes);
  auto n = work->file->read_at(work->offset, space);
  if (!n) return work->finish(std::nullopt);
  work->hasher.update(std::span(space).first(*n));
  work->offset += *n;
  bool at_end = *n < space.size();
  bool unchanged = false;
  {
    std::lock_guard lock(work->owner->mutex);
    if (work->owner->stopped) return;
    if (at_end) {
      auto now = work->owner->disk->stat(*work->file);
      unchanged = now && same_generation(*now, work->identity);
    }
  }
  if (!at_end) {
    auto where = work->where;
    asio::post(where, [work = std::move(work)]() mutable { next_slice(std::move(work)); });
    return;
  }
  // What changed while it was read has no digest.
  if (!unchanged || work->offset != work->identity.size) return work->finish(std::nullopt);
  work->finish(work->hasher.finish());
}

}  // namespace tidewire::server
