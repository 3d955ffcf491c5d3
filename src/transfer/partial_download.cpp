#include "transfer/partial_file.hpp"

#include <tidewire/http/url.hpp>
#include <tidewire/transfer/error.hpp>
#include <tidewire/transfer/partial_download.hpp>

#include <string_view>
#include <utility>

namespace tidewire::transfer {
namespace {

constexpr std::string_view journal_suffix = ".part.journal";
constexpr std::string_view part_suffix = ".part";

std::string target_of(std::string path) {
  for (auto suffix : {journal_suffix, part_suffix}) {
    if (path.ends_with(suffix)) {
      path.resize(path.size() - suffix.size());
      break;
    }
  }
  return path;
}

partial_download describe(file::filesystem& disk, const std::string& target) {
  partial_paths paths(target);
  partial_download found;
  found.target = paths.target;
  found.part = paths.part;
  found.journal = paths.journal;
  auto journal = disk.open(paths.journal, file::open_mode::read);
  if (!journal) {
    found.problem = journal.error();
    return found;
  }
  auto snapshot = read_download_journal(**journal);
  if (!snapshot) {
    found.problem = snapshot.error();
    return found;
  }
  auto held = snapshot->state.held(disk.boot_id());
  auto durable = snapshot->state.durable();
  if (auto part = disk.open(paths.part, file::open_mode::read_write)) {
    auto size = (*part)->size();
    byte_range beyond{size ? *size : 0, ~std::uint64_t{0}};
    held.remove(beyond);
    durable.remove(beyond);
    auto locked = disk.try_lock(**part);
    found.busy = locked && !*locked;
  } else {
    found.problem = part.error();
  }
  found.held_bytes = held.bytes();
  found.durable_bytes = durable.bytes();
  if (auto& origin = snapshot->state.origin()) {
    auto parsed = http::url::parse(origin->source);
    found.source = parsed ? parsed->redacted() : std::string();
    found.total_bytes = origin->identity.size;
  }
  return found;
}

}  // namespace

result<std::vector<partial_download>> list_partial_downloads(file::filesystem& disk,
                                                             const std::string& path) {
  std::vector<partial_download> all;
  if (auto is = disk.is_directory(path); is && *is) {
    auto names = disk.list(path);
    if (!names) return names.error();
    for (auto& name : *names) {
      if (name.ends_with(journal_suffix))
        all.push_back(describe(disk, target_of(path + "/" + name)));
    }
    return all;
  }
  auto target = target_of(path);
  auto exists = disk.exists(partial_paths(target).journal);
  if (!exists) return exists.error();
  if (*exists) all.push_back(describe(disk, target));
  return all;
}

result<void> abort_partial_download(file::filesystem& disk, const std::string& path) {
  partial_paths paths(target_of(path));
  auto journal = disk.open(paths.journal, file::open_mode::read);
  if (!journal) return journal.error();
  if (auto snapshot = read_download_journal(**journal); !snapshot)
    return make_error_code(errc::partial_unusable);
  if (auto part = disk.open(paths.part, file::open_mode::read_write)) {
    auto locked = disk.try_lock(**part);
    if (!locked) return locked.error();
    if (!*locked) return make_error_code(errc::target_busy);
    if (auto r = disk.remove(paths.part); !r) return r;
  }
  return disk.remove(paths.journal);
}

}  // namespace tidewire::transfer
