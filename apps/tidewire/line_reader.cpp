#include "line_reader.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <semaphore>
#include <thread>
#include <utility>

namespace tidewire::cli {

struct line_reader::impl {
  impl(int f, executor e, std::function<void(line)> t)
      : fd(f), ex(std::move(e)), take(std::move(t)) {}

  void run() {
    line current;
    std::array<char, 16 * 1024> space;
    for (;;) {
      auto n = read_some(space);
      if (n <= 0) break;
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        char c = space[i];
        if (c == '\n') {
          if (!hand_over(std::exchange(current, {}))) return;
        } else if (current.text.size() == max_line_bytes) {
          current.too_long = true;
        } else {
          current.text += c;
        }
      }
    }
    // A last line without its end is one as well.
    if (!current.text.empty() && !hand_over(std::move(current))) return;
    line last;
    last.end = true;
    hand_over(std::move(last));
  }

  // 0 at the end, and when the reader is to end.
  ssize_t read_some(std::array<char, 16 * 1024>& space) {
    std::array<pollfd, 2> which{{{fd, POLLIN, 0}, {wake[0], POLLIN, 0}}};
    while (::poll(which.data(), which.size(), -1) < 0 && errno == EINTR) {
    }
    if (which[1].revents != 0) return 0;
    return ::read(fd, space.data(), space.size());
  }

  bool hand_over(line l) {
    wanted.acquire();
    if (ending) return false;
    if (!l.text.empty() && l.text.back() == '\r') l.text.pop_back();
    asio::post(guard.get_executor(), [this, l = std::move(l)]() mutable { take(std::move(l)); });
    return true;
  }

  int fd;
  executor ex;
  asio::executor_work_guard<executor> guard{ex};
  std::function<void(line)> take;
  std::array<int, 2> wake{-1, -1};
  std::counting_semaphore<> wanted{1};
  std::atomic<bool> ending{false};
  std::thread thread;
};

line_reader::line_reader(int fd, executor ex, std::function<void(line)> take)
    : impl_(std::make_shared<impl>(fd, std::move(ex), std::move(take))) {
  if (::pipe(impl_->wake.data()) != 0) impl_->wake = {-1, -1};
  impl_->thread = std::thread([i = impl_.get()] { i->run(); });
}

line_reader::~line_reader() {
  impl_->ending = true;
  impl_->wanted.release();
  if (impl_->wake[1] >= 0) ::close(impl_->wake[1]);  // its other end becomes readable
  impl_->thread.join();
  if (impl_->wake[0] >= 0) ::close(impl_->wake[0]);
}

void line_reader::next() {
  impl_->wanted.release();
}

}  // namespace tidewire::cli
