#pragma once

#include <tidewire/file/filesystem.hpp>

#include <sys/stat.h>

#include <utility>

namespace tidewire::file::detail {

// The code in errno.
error_code last_error() noexcept;

// Repeats a system call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    auto answer = call();
    if (answer != -1 || last_error() != boost::system::errc::interrupted) return answer;
  }
}

// Owns a file descriptor.
class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor();

  int get() const noexcept { return fd_; }
  bool is_open() const noexcept { return fd_ != -1; }

 private:
  int fd_;
};

class posix_handle final : public handle {
 public:
  explicit posix_handle(descriptor fd) noexcept : fd_(std::move(fd)) {}

  result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override;
  result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> space) override;
  result<std::uint64_t> size() override;
  result<void> truncate(std::uint64_t size) override;
  result<void> sync() override;

  result<struct ::stat> system_status() const;
  result<bool> try_lock() const;
  result<void> set_mode(unsigned mode) const;

 private:
  descriptor fd_;
};

}  // namespace tidewire::file::detail
