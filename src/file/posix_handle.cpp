#include "file/posix_handle.hpp"

#include <boost/system/errc.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

namespace tidewire::file::detail {
namespace {

namespace sys_errc = boost::system::errc;

// Whether a file can have bytes at [offset, offset + size): beyond, off_t would become negative.
bool addressable(std::uint64_t offset, std::uint64_t size) {
  constexpr std::uint64_t most = std::numeric_limits<off_t>::max();
  return offset <= most && size <= most - offset;
}

}  // namespace

error_code last_error() noexcept {
  return {errno, boost::system::system_category()};
}

descriptor::~descriptor() {
  // Not repeated after EINTR: Linux has closed it already, and the number may be another file's.
  if (is_open()) ::close(fd_);
}

result<void> posix_handle::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (!addressable(offset, bytes.size()))
    return sys_errc::make_error_code(sys_errc::file_too_large);
  while (!bytes.empty()) {
    auto written = uninterrupted([&] {
      return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    if (written < 0) return last_error();
    // Nothing written without an error is not known of regular files; do not spin on it.
    if (written == 0) return sys_errc::make_error_code(sys_errc::io_error);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

result<std::size_t> posix_handle::read_at(std::uint64_t offset, std::span<std::byte> space) {
  if (!addressable(offset, space.size()))
    return sys_errc::make_error_code(sys_errc::file_too_large);
  std::size_t total = 0;
  while (total < space.size()) {
    auto rest = space.subspan(total);
    auto got = uninterrupted([&] {
      return ::pread(fd_.get(), rest.data(), rest.size(), static_cast<off_t>(offset + total));
    });
    if (got < 0) return last_error();
    if (got == 0) break;
    total += static_cast<std::size_t>(got);
  }
  return total;
}

result<std::uint64_t> posix_handle::size() {
  auto now = system_status();
  if (!now) return now.error();
  return static_cast<std::uint64_t>(now->st_size);
}

result<void> posix_handle::truncate(std::uint64_t size) {
  if (!addressable(size, 0)) return sys_errc::make_error_code(sys_errc::file_too_large);
  if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) < 0)
    return last_error();
  return {};
}

result<void> posix_handle::sync() {
  if (uninterrupted([&] { return ::fdatasync(fd_.get()); }) < 0) return last_error();
  return {};
}

result<struct ::stat> posix_handle::system_status() const {
  struct ::stat now;
  if (::fstat(fd_.get(), &now) < 0) return last_error();
  return now;
}

result<void> posix_handle::set_mode(unsigned mode) const {
  if (::fchmod(fd_.get(), static_cast<mode_t>(mode)) < 0) return last_error();
  return {};
}

result<bool> posix_handle::try_lock() const {
  // flock and not fcntl's F_SETLK: that one never excludes a second handle in the same process, and
  // closing any handle of the file would give it up.
  if (uninterrupted([&] { return ::flock(fd_.get(), LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return {boost::system::in_place_error, last_error()};
}

}  // namespace tidewire::file::detail
