#include "queue/record_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace tidewire::cli {

std::optional<record_reader::record> record_reader::take_line() {
  auto end = buffer_.find('\n', searched_);
  if (end == buffer_.npos) {
    searched_ = buffer_.size();
    if (buffer_.size() > max_bytes_) {
      skipping_ = true;
      buffer_.clear();
      searched_ = 0;
    }
    return {};
  }
  record out{buffer_.substr(0, end), std::exchange(skipping_, false) || end > max_bytes_};
  if (out.too_long) out.text.clear();
  buffer_.erase(0, end + 1);
  searched_ = 0;
  return out;
}

result<std::optional<record_reader::record>> record_reader::next() {
  std::array<char, 64 * 1024> space;
  while (true) {
    if (auto line = take_line()) return line;
    if (end_) break;
    auto n = ::read(fd_, space.data(), space.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return error_code(errno, boost::system::system_category());
    end_ = n == 0;
    buffer_.append(space.data(), static_cast<std::size_t>(n));
  }
  // A last line without an end is a line, too.
  if (buffer_.empty() && !skipping_) return std::optional<record>();
  record out{std::exchange(buffer_, {}), std::exchange(skipping_, false)};
  searched_ = 0;
  if (out.too_long) out.text.clear();
  return std::optional<record>(std::move(out));
}

bool record_reader::ready() const {
  if (end_ || buffer_.find('\n') != buffer_.npos) return true;
  pollfd wanted{fd_, POLLIN, 0};
  return ::poll(&wanted, 1, 0) != 0;
}

}  // namespace tidewire::cli
