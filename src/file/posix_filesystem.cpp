#include "file/posix_handle.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/rng.hpp>
#include <tidewire/file/filesystem.hpp>

#include <boost/asio/thread_pool.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

namespace tidewire::file {
namespace {

using detail::descriptor;
using detail::last_error;
using detail::posix_handle;
using detail::uninterrupted;

error_code invalid_argument() {
  return tidewire::make_error_code(tidewire::errc::invalid_argument);
}

// An error_code does not convert to result<bool> by itself: it might be meant as "is there an
// error?".
result<bool> failure(error_code ec) {
  return {boost::system::in_place_error, ec};
}

// A path with a NUL byte would name another file than the one that the caller checked.
bool has_nul(const std::string& path) {
  return path.find('\0') != std::string::npos;
}

// umask() can only be read by setting it, for all threads; the kernel also tells it in a file.
mode_t process_umask() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "Umask:") continue;
    mode_t mask = 0;
    if (status >> std::oct >> mask) return mask;
  }
  return 077;
}

int flags_of(open_mode mode) {
  // Without O_NONBLOCK, opening a pipe that somebody put there would wait for ever.
  constexpr int common = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  switch (mode) {
    case open_mode::read:
      return common | O_RDONLY;
    case open_mode::read_write:
      return common | O_RDWR | O_NOFOLLOW;
    case open_mode::create:
      return common | O_RDWR | O_NOFOLLOW | O_CREAT;
    case open_mode::create_new:
      return common | O_RDWR | O_NOFOLLOW | O_CREAT | O_EXCL;
  }
  return common;
}

result<descriptor> open_descriptor(const std::string& path, int flags) {
  if (has_nul(path)) return invalid_argument();
  constexpr mode_t owner_only = 0600;
  descriptor fd(uninterrupted([&] { return ::open(path.c_str(), flags, owner_only); }));
  if (!fd.is_open()) return last_error();
  return fd;
}

// The status of what a path names; with `follow`, of what a symbolic link leads to. ENOENT and
// ENOTDIR mean that nothing is there, which is an answer and not an error.
result<bool> status_of(const std::string& path, bool follow, struct ::stat& out) {
  if (has_nul(path)) return failure(invalid_argument());
  int answer = follow ? ::stat(path.c_str(), &out) : ::lstat(path.c_str(), &out);
  if (answer == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return failure(last_error());
}

// For file systems without RENAME_NOREPLACE. Not atomic for an onlooker, who may see both names for
// a moment; but it never replaces, and a kill in between leaves both names on the same file.
result<void> link_and_unlink(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) < 0) return last_error();
  if (::unlink(from.c_str()) < 0) return last_error();
  return {};
}

result<void> rename_without_replacing(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno == EINVAL || errno == ENOSYS) return link_and_unlink(from, to);
  return last_error();
}

std::string read_boot_id() {
  char text[64];
  auto fd = open_descriptor("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd) {
    auto got = uninterrupted([&] { return ::read(fd->get(), text, sizeof text); });
    while (got > 0 && text[got - 1] == '\n') --got;
    if (got > 0) return std::string(text, static_cast<std::size_t>(got));
  }
  auto random = rng::from_entropy();
  std::snprintf(text, sizeof text, "unknown-%016llx%016llx",
                static_cast<unsigned long long>(random()),
                static_cast<unsigned long long>(random()));
  return text;
}

class posix_filesystem final : public filesystem {
 public:
  explicit posix_filesystem(std::size_t threads)
      : boot_id_(read_boot_id()), pool_(std::max<std::size_t>(threads, 1)) {}

  result<std::unique_ptr<handle>> open(const std::string& path, open_mode mode) override {
    auto fd = open_descriptor(path, flags_of(mode));
    if (!fd) return fd.error();
    return std::unique_ptr<handle>(std::make_unique<posix_handle>(std::move(*fd)));
  }

  result<status> stat(handle& file) override {
    auto now = status_of_handle(file);
    if (!now) return now.error();
    auto modified =
        std::chrono::seconds(now->st_mtim.tv_sec) + std::chrono::nanoseconds(now->st_mtim.tv_nsec);
    return status{static_cast<std::uint64_t>(now->st_size),
                  std::chrono::sys_time<std::chrono::nanoseconds>(modified), now->st_ino,
                  S_ISREG(now->st_mode)};
  }

  result<bool> try_lock(handle& file) override {
    auto* own = dynamic_cast<posix_handle*>(&file);
    if (!own) return failure(invalid_argument());
    return own->try_lock();
  }

  result<bool> names(const std::string& path, handle& file) override {
    auto behind = status_of_handle(file);
    if (!behind) return failure(behind.error());
    struct ::stat named;
    auto there = status_of(path, false, named);
    if (!there) return failure(there.error());
    return *there && named.st_dev == behind->st_dev && named.st_ino == behind->st_ino;
  }

  result<void> share(handle& file) override {
    auto* own = dynamic_cast<posix_handle*>(&file);
    if (!own) return invalid_argument();
    return own->set_mode(0666 & ~process_umask());
  }

  result<bool> exists(const std::string& path) override {
    struct ::stat named;
    return status_of(path, false, named);
  }

  result<bool> is_directory(const std::string& path) override {
    struct ::stat named;
    auto there = status_of(path, true, named);
    if (!there) return failure(there.error());
    return *there && S_ISDIR(named.st_mode);
  }

  result<void> rename(const std::string& from, const std::string& to, bool replace) override {
    if (has_nul(from) || has_nul(to)) return invalid_argument();
    if (!replace) return rename_without_replacing(from, to);
    if (::rename(from.c_str(), to.c_str()) < 0) return last_error();
    return {};
  }

  result<void> remove(const std::string& path) override {
    if (has_nul(path)) return invalid_argument();
    if (::unlink(path.c_str()) < 0) return last_error();
    return {};
  }

  result<std::vector<std::string>> list(const std::string& folder) override;

  result<void> sync_directory(const std::string& path) override {
    auto fd = open_descriptor(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!fd) return fd.error();
    if (uninterrupted([&] { return ::fsync(fd->get()); }) == 0) return {};
    // File systems that can't sync a directory say EINVAL: there is nothing that could be done.
    if (errno == EINVAL) return {};
    return last_error();
  }

  result<std::uint64_t> free_space(const std::string& path) override {
    if (has_nul(path)) return invalid_argument();
    struct ::statvfs about;
    if (uninterrupted([&] { return ::statvfs(path.c_str(), &about); }) < 0) return last_error();
    return std::uint64_t{about.f_bavail} * about.f_frsize;
  }

  std::string boot_id() override { return boot_id_; }

  executor blocking_executor() override { return pool_.get_executor(); }

 private:
  static result<struct ::stat> status_of_handle(handle& file) {
    auto* own = dynamic_cast<posix_handle*>(&file);
    if (!own) return invalid_argument();
    return own->system_status();
  }

  std::string boot_id_;
  asio::thread_pool pool_;
};

result<std::vector<std::string>> posix_filesystem::list(const std::string& folder) {
  if (has_nul(folder)) return invalid_argument();
  std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  if (!open) return last_error();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;  // the only way to tell the end from an error
    const auto* entry = ::readdir(open.get());
    if (!entry && errno != 0) return last_error();
    if (!entry) break;
    std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == max_listed_names)
      return tidewire::make_error_code(tidewire::errc::limit_exceeded);
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::unique_ptr<filesystem> make_posix_filesystem(std::size_t threads) {
  return std::make_unique<posix_filesystem>(threads);
}

std::string directory_of(const std::string& path) {
  auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  // "/name" is in the root, and "//name" too.
  auto last = path.find_last_not_of('/', slash);
  return last == std::string::npos ? "/" : path.substr(0, last + 1);
}

}  // namespace tidewire::file
