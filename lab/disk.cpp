#include "disk_image.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/core/error.hpp>
#include <tidewire/lab/disk.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace tidewire::lab {
namespace {

using detail::inode;

error_code code(boost::system::errc::errc_t e) {
  return {static_cast<int>(e), boost::system::system_category()};
}

const auto io_error = code(boost::system::errc::io_error);
const auto no_space = code(boost::system::errc::no_space_on_device);
const auto not_found = code(boost::system::errc::no_such_file_or_directory);
const auto gone = code(boost::system::errc::bad_file_descriptor);

// "a//b/./c/" and "a/b/c" are one path.
std::string normal(const std::string& path) {
  std::string out;
  bool absolute = !path.empty() && path[0] == '/';
  for (std::size_t at = 0; at < path.size();) {
    auto end = std::min(path.find('/', at), path.size());
    auto part = path.substr(at, end - at);
    if (!part.empty() && part != ".") {
      if (!out.empty() || absolute) out += '/';
      out += part;
    }
    at = end + 1;
  }
  if (out.empty()) return absolute ? "/" : ".";
  return out;
}

// One recorded operation; enough to do it again on another image.
struct operation {
  enum class kind { write, truncate, sync, lose, create, rename, remove, sync_directory };
  kind what;
  std::uint64_t file = 0, offset = 0;
  std::vector<std::byte> bytes;
  std::string from, to;
};

std::shared_ptr<inode> find_inode(std::map<std::uint64_t, std::shared_ptr<inode>>& all,
                                  std::uint64_t number) {
  auto it = all.find(number);
  return it == all.end() ? nullptr : it->second;
}

}  // namespace

struct disk::impl {
  impl(world& world_, fault_plan* p) : w(world_), plan(p) {}

  world& w;
  fault_plan* plan;
  executor blocking;
  disk_faults faults;
  detail::disk_image image;
  std::uint64_t quota = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t life = 1;  // handles of earlier ones are dead
  std::uint64_t boot = 1;
  std::uint64_t next_handle = 1;
  std::uint64_t operations = 0;
  std::function<void(std::uint64_t)> hook;
  struct nth {
    disk_call call;
    std::uint64_t left;
    error_code as;
  };
  std::vector<nth> failures;
  bool recording = false;
  std::vector<operation> log;

  // Announces an operation; false when the hook crashed the machine.
  bool begin(const char* what, std::uint64_t value) {
    auto before = life;
    auto number = operations++;
    w.note(what, {number, value});
    if (hook) hook(number);
    return life == before;
  }

  void record(operation o) {
    if (recording) log.push_back(std::move(o));
  }

  std::optional<std::int64_t> draw(const char* site, std::uint32_t ppm, std::int64_t high = 0) {
    if (!plan) return std::nullopt;
    return plan->site(site).draw(ppm, 0, high);
  }

  // The error that a test planted for this very call.
  std::optional<error_code> planted(disk_call call) {
    std::optional<error_code> hit;
    for (auto& f : failures)
      if (f.call == call && f.left-- == 0) hit = f.as;
    std::erase_if(failures, [&](auto& f) { return f.call == call && f.left == ~std::uint64_t{0}; });
    return hit;
  }

  void apply(const operation& o, std::map<std::uint64_t, std::shared_ptr<inode>>& files);
};

void disk::impl::apply(const operation& o, std::map<std::uint64_t, std::shared_ptr<inode>>& files) {
  auto file = find_inode(files, o.file);
  switch (o.what) {
    case operation::kind::write:
      return image.write(*file, o.offset, o.bytes);
    case operation::kind::truncate:
      return image.truncate(*file, o.offset);
    case operation::kind::sync:
      return image.sync(*file);
    case operation::kind::lose:
      return image.lose_dirty(*file);
    case operation::kind::create:
      image.next_inode = o.file;
      files[o.file] = image.create(o.to);
      return;
    case operation::kind::rename:
      return image.rename(o.from, o.to);
    case operation::kind::remove:
      return image.remove(o.from);
    case operation::kind::sync_directory:
      return image.sync_directory(o.from);
  }
}

class disk::open_file final : public file::handle {
 public:
  open_file(impl& d, std::shared_ptr<inode> file, bool writable)
      : disk_(d),
        file_(std::move(file)),
        id_(d.next_handle++),
        life_(d.life),
        writable_(writable) {}
  ~open_file() override {
    if (file_->lock_owner == id_) file_->lock_owner = 0;
  }

  result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    if (!alive() || !writable_) return gone;
    if (!disk_.begin("disk.write", bytes.size())) return gone;
    if (auto error = disk_.planted(disk_call::write)) return fail_write(*error, offset, bytes, 0);
    auto part = disk_.draw("disk.no_space", disk_.faults.no_space_ppm, 999'999);
    auto broken = disk_.draw("disk.write_error", disk_.faults.write_error_ppm);
    if (broken) return io_error;
    if (part) {
      auto n = bytes.size() * static_cast<std::size_t>(*part) / 1'000'000;
      return fail_write(no_space, offset, bytes, n);
    }
    auto end = offset + bytes.size();
    auto growth = end > file_->cache.size() ? end - file_->cache.size() : 0;
    auto used = disk_.image.used_bytes();
    auto room = disk_.quota > used ? disk_.quota - used : 0;
    if (growth > room) {
      auto fits = bytes.size() - std::min<std::uint64_t>(bytes.size(), growth - room);
      return fail_write(no_space, offset, bytes, static_cast<std::size_t>(fits));
    }
    store(offset, bytes);
    return {};
  }

  result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> space) override {
    if (!alive()) return gone;
    if (auto error = disk_.planted(disk_call::read)) return *error;
    if (disk_.draw("disk.read_error", disk_.faults.read_error_ppm)) return io_error;
    auto& all = file_->cache;
    if (offset >= all.size()) return std::size_t{0};
    auto n = std::min(space.size(), all.size() - static_cast<std::size_t>(offset));
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(offset), n, space.begin());
    return n;
  }

  result<std::uint64_t> size() override {
    if (!alive()) return gone;
    return static_cast<std::uint64_t>(file_->cache.size());
  }

  result<void> truncate(std::uint64_t size) override {
    if (!alive() || !writable_) return gone;
    if (!disk_.begin("disk.truncate", size)) return gone;
    disk_.image.truncate(*file_, size);
    touch();
    disk_.record({operation::kind::truncate, file_->number, size, {}, {}, {}});
    return {};
  }

  result<void> sync() override {
    if (!alive()) return gone;
    if (!disk_.begin("disk.sync", file_->number)) return gone;
    if (auto error = disk_.planted(disk_call::sync)) return *error;
    auto lost = disk_.draw("disk.sync_lost", disk_.faults.sync_lost_ppm);
    auto failed = disk_.draw("disk.sync_error", disk_.faults.sync_error_ppm);
    if (lost) {
      disk_.image.lose_dirty(*file_);
      disk_.record({operation::kind::lose, file_->number, 0, {}, {}, {}});
      return io_error;
    }
    if (failed) return io_error;
    disk_.image.sync(*file_);
    disk_.record({operation::kind::sync, file_->number, 0, {}, {}, {}});
    return {};
  }

  bool alive() const { return life_ == disk_.life; }
  inode& file() { return *file_; }
  bool lock() {
    if (file_->lock_owner != 0 && file_->lock_owner != id_) return false;
    file_->lock_owner = id_;
    return true;
  }

 private:
  void touch() {
    file_->modified = std::chrono::time_point_cast<std::chrono::nanoseconds>(disk_.w.wall_now());
  }

  void store(std::uint64_t offset, std::span<const std::byte> bytes) {
    disk_.image.write(*file_, offset, bytes);
    touch();
    if (!disk_.recording) return;
    disk_.record({operation::kind::write,
                  file_->number,
                  offset,
                  std::vector<std::byte>(bytes.begin(), bytes.end()),
                  {},
                  {}});
  }

  error_code fail_write(error_code ec, std::uint64_t offset, std::span<const std::byte> bytes,
                        std::size_t stored) {
    if (stored > 0) store(offset, bytes.first(stored));
    return ec;
  }

  impl& disk_;
  std::shared_ptr<inode> file_;
  std::uint64_t id_, life_;
  bool writable_;
};

disk::disk(world& w, fault_plan* plan) : impl_(std::make_unique<impl>(w, plan)) {}
disk::~disk() = default;

void disk::make_directory(const std::string& path) {
  impl_->image.directories.insert(normal(path));
}
void disk::set_faults(disk_faults faults) {
  impl_->faults = faults;
}
void disk::set_quota(std::uint64_t bytes) {
  impl_->quota = bytes;
}

void disk::fail_nth(disk_call call, std::uint64_t nth, error_code as) {
  impl_->failures.push_back({call, nth, as});
}

void disk::kill() {
  impl_->w.note("disk.kill", {impl_->life});
  ++impl_->life;
  impl_->image.unlock_all();
}

void disk::power_cut(rng& random) {
  kill();
  ++impl_->boot;
  impl_->image.power_cut(&random);
}

void disk::power_cut_losing_all() {
  kill();
  ++impl_->boot;
  impl_->image.power_cut(nullptr);
}

std::vector<std::byte> disk::bytes(const std::string& path) const {
  auto it = impl_->image.names.find(normal(path));
  return it == impl_->image.names.end() ? std::vector<std::byte>() : it->second->cache;
}

std::vector<std::byte> disk::durable_bytes(const std::string& path) const {
  auto it = impl_->image.durable_names.find(normal(path));
  return it == impl_->image.durable_names.end() ? std::vector<std::byte>() : it->second->durable;
}

bool disk::durably_exists(const std::string& path) const {
  return impl_->image.durable_names.contains(normal(path));
}

std::vector<std::string> disk::paths() const {
  std::vector<std::string> all;
  for (auto& [path, file] : impl_->image.names) all.push_back(path);
  return all;
}

std::uint64_t disk::operations() const {
  return impl_->operations;
}
void disk::on_operation(std::function<void(std::uint64_t)> hook) {
  impl_->hook = std::move(hook);
}

void disk::record_operations() {
  impl_->recording = true;
}

void disk::at_each_crash_point(const std::function<void(std::uint64_t, disk&)>& visit) const {
  for (std::size_t n = 0; n <= impl_->log.size(); ++n) {
    disk state(impl_->w);
    state.impl_->image.directories = impl_->image.directories;
    std::map<std::uint64_t, std::shared_ptr<inode>> files;
    for (std::size_t i = 0; i < n; ++i) state.impl_->apply(impl_->log[i], files);
    visit(n, state);
  }
}

result<std::unique_ptr<file::handle>> disk::open(const std::string& given, file::open_mode mode) {
  auto path = normal(given);
  auto& image = impl_->image;
  auto it = image.names.find(path);
  bool writable = mode != file::open_mode::read;
  if (image.directories.contains(path)) return code(boost::system::errc::is_a_directory);
  if (!image.directories.contains(normal(file::directory_of(path)))) return not_found;
  if (it != image.names.end()) {
    if (mode == file::open_mode::create_new) return code(boost::system::errc::file_exists);
    return std::unique_ptr<file::handle>(std::make_unique<open_file>(*impl_, it->second, writable));
  }
  if (mode == file::open_mode::read || mode == file::open_mode::read_write) return not_found;
  if (!impl_->begin("disk.create", 0)) return gone;
  auto file = image.create(path);
  file->modified = std::chrono::time_point_cast<std::chrono::nanoseconds>(impl_->w.wall_now());
  impl_->record({operation::kind::create, file->number, 0, {}, {}, path});
  return std::unique_ptr<file::handle>(std::make_unique<open_file>(*impl_, file, true));
}

result<file::status> disk::stat(file::handle& h) {
  auto& own = static_cast<open_file&>(h);
  if (!own.alive()) return gone;
  file::status s{};
  s.size = own.file().cache.size();
  s.modified = own.file().modified;
  s.inode = own.file().number;
  s.regular = true;
  return s;
}

result<void> disk::share(file::handle& h) {
  if (!static_cast<open_file&>(h).alive()) return gone;
  return {};
}

result<bool> disk::try_lock(file::handle& h) {
  auto& own = static_cast<open_file&>(h);
  if (!own.alive()) return {boost::system::in_place_error, gone};
  return own.lock();
}

result<bool> disk::names(const std::string& path, file::handle& h) {
  auto& own = static_cast<open_file&>(h);
  if (!own.alive()) return {boost::system::in_place_error, gone};
  auto it = impl_->image.names.find(normal(path));
  return it != impl_->image.names.end() && it->second.get() == &own.file();
}

result<bool> disk::exists(const std::string& path) {
  auto p = normal(path);
  return impl_->image.names.contains(p) || impl_->image.directories.contains(p);
}

result<bool> disk::is_directory(const std::string& path) {
  return impl_->image.directories.contains(normal(path));
}

result<std::vector<std::string>> disk::list(const std::string& folder) {
  auto in = normal(folder);
  if (!impl_->image.directories.contains(in)) return not_found;
  std::vector<std::string> all;
  auto add = [&](const std::string& path) {
    if (path == in || path == "." || path == "/" || normal(file::directory_of(path)) != in) return;
    all.push_back(path.substr(path.rfind('/') + 1));
  };
  for (auto& [path, file] : impl_->image.names) add(path);
  for (auto& path : impl_->image.directories) add(path);
  std::sort(all.begin(), all.end());
  return all;
}

result<void> disk::rename(const std::string& given_from, const std::string& given_to,
                          bool replace) {
  auto from = normal(given_from), to = normal(given_to);
  auto& image = impl_->image;
  if (!image.names.contains(from)) return not_found;
  if (!image.directories.contains(normal(file::directory_of(to)))) return not_found;
  if (image.directories.contains(to)) return code(boost::system::errc::is_a_directory);
  if (!replace && image.names.contains(to)) return code(boost::system::errc::file_exists);
  if (!impl_->begin("disk.rename", 0)) return gone;
  if (from == to) return {};
  image.rename(from, to);
  impl_->record({operation::kind::rename, 0, 0, {}, from, to});
  return {};
}

result<void> disk::remove(const std::string& given) {
  auto path = normal(given);
  if (!impl_->image.names.contains(path)) return not_found;
  if (!impl_->begin("disk.remove", 0)) return gone;
  impl_->image.remove(path);
  impl_->record({operation::kind::remove, 0, 0, {}, path, {}});
  return {};
}

result<void> disk::sync_directory(const std::string& given) {
  auto path = normal(given);
  if (!impl_->image.directories.contains(path)) return not_found;
  if (!impl_->begin("disk.sync_directory", 0)) return gone;
  if (auto error = impl_->planted(disk_call::sync)) return *error;
  if (impl_->draw("disk.sync_error", impl_->faults.sync_error_ppm)) return io_error;
  impl_->image.sync_directory(path);
  impl_->record({operation::kind::sync_directory, 0, 0, {}, path, {}});
  return {};
}

result<std::uint64_t> disk::free_space(const std::string& path) {
  auto p = normal(path);
  if (!impl_->image.names.contains(p) && !impl_->image.directories.contains(p)) return not_found;
  auto used = impl_->image.used_bytes();
  return impl_->quota > used ? impl_->quota - used : 0;
}

std::string disk::boot_id() {
  return "simulated-boot-" + std::to_string(impl_->boot);
}

executor disk::blocking_executor() {
  return impl_->blocking ? impl_->blocking : executor(impl_->w.get_executor());
}

void disk::run_blocking_calls_on(executor ex) {
  impl_->blocking = std::move(ex);
}

}  // namespace tidewire::lab
