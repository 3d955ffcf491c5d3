#include "stdout_sink.hpp"

#include <unistd.h>

#include <cerrno>

namespace tidewire::cli {

result<void> stdout_sink::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    auto n = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return error_code(errno, boost::system::system_category());
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace tidewire::cli
