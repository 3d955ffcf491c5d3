#include "disk_image.hpp"

#include <tidewire/lab/disk.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::lab::detail {
namespace {

void put(image& to, const data_change& change) {
  if (change.truncate_to) {
    to.resize(static_cast<std::size_t>(*change.truncate_to));
    return;
  }
  auto end = static_cast<std::size_t>(change.offset) + change.bytes.size();
  if (to.size() < end) to.resize(end);
  std::copy(change.bytes.begin(), change.bytes.end(),
            to.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

// A write of which only some sectors reached the platter.
void put_torn(image& to, const data_change& change, rng& random) {
  std::size_t at = 0;
  while (at < change.bytes.size()) {
    auto sector_end = ((change.offset + at) / disk::sector_bytes + 1) * disk::sector_bytes;
    auto n = std::min<std::size_t>(change.bytes.size() - at,
                                   static_cast<std::size_t>(sector_end - change.offset - at));
    if (random.chance_ppm(500'000)) {
      data_change part;
      part.offset = change.offset + at;
      part.bytes.assign(change.bytes.begin() + static_cast<std::ptrdiff_t>(at),
                        change.bytes.begin() + static_cast<std::ptrdiff_t>(at + n));
      put(to, part);
    }
    at += n;
  }
}

bool concerns(const name_change& change, const std::string& directory) {
  return (!change.from.empty() && file::directory_of(change.from) == directory) ||
         (!change.to.empty() && file::directory_of(change.to) == directory);
}

}  // namespace

void disk_image::write(inode& file, std::uint64_t offset, std::span<const std::byte> bytes) {
  file.pending.push_back({offset, image(bytes.begin(), bytes.end()), std::nullopt});
  put(file.cache, file.pending.back());
}

void disk_image::truncate(inode& file, std::uint64_t size) {
  file.pending.push_back({0, {}, size});
  put(file.cache, file.pending.back());
}

void disk_image::sync(inode& file) {
  for (auto& change : std::exchange(file.pending, {})) put(file.durable, change);
}

std::shared_ptr<inode> disk_image::create(const std::string& path) {
  auto file = std::make_shared<inode>();
  file->number = next_inode++;
  names[path] = file;
  pending_names.push_back({{}, path, file});
  return file;
}

void disk_image::rename(const std::string& from, const std::string& to) {
  auto file = names[from];
  names.erase(from);
  names[to] = file;
  pending_names.push_back({from, to, file});
}

void disk_image::remove(const std::string& path) {
  pending_names.push_back({path, {}, names[path]});
  names.erase(path);
}

void disk_image::make_durable(const name_change& change) {
  if (!change.from.empty()) durable_names.erase(change.from);
  if (!change.to.empty()) durable_names[change.to] = change.file;
}

void disk_image::sync_directory(const std::string& path) {
  auto last = std::find_if(pending_names.rbegin(), pending_names.rend(),
                           [&](auto& change) { return concerns(change, path); });
  auto end = last.base();
  for (auto it = pending_names.begin(); it != end; ++it) make_durable(*it);
  pending_names.erase(pending_names.begin(), end);
}

void disk_image::power_cut(rng* random) {
  if (random) {
    auto kept = static_cast<std::size_t>(
        random->between(0, static_cast<std::int64_t>(pending_names.size())));
    for (std::size_t i = 0; i < kept; ++i) make_durable(pending_names[i]);
  }
  pending_names.clear();
  // Every file once, in the order of their names: some have lost theirs.
  std::set<inode*> seen;
  for (auto& [path, file] : durable_names) {
    if (!seen.insert(file.get()).second) continue;
    // One share for all, so that "all survived" and "none did" happen as well as mixtures.
    auto share = random ? static_cast<std::uint32_t>(random->between(0, 4) * 250'000) : 0;
    for (auto& change : std::exchange(file->pending, {})) {
      if (!random || !random->chance_ppm(share)) continue;
      if (!change.truncate_to && random->chance_ppm(250'000))
        put_torn(file->durable, change, *random);
      else
        put(file->durable, change);
    }
    file->cache = file->durable;
  }
  names = durable_names;
  unlock_all();
}

void disk_image::unlock_all() {
  for (auto& [path, file] : names) file->lock_owner = 0;
}

std::uint64_t disk_image::used_bytes() const {
  std::uint64_t n = 0;
  for (auto& [path, file] : names) n += file->cache.size();
  return n;
}

}  // namespace tidewire::lab::detail
