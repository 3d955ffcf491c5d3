#include "child_process.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

namespace tidewire::demo {
namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr int unknown_code = 70;  // what is not known to have ended well has not

error_code last_error() {
  return {errno, boost::system::system_category()};
}

struct descriptor {
  int fd = -1;
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int release() { return std::exchange(fd, -1); }
};

// Between fork and exec only what is safe in a signal handler may be called.
[[noreturn]] void become(pid_t parent, int null_fd, int error_fd, char* const* arguments) {
  // The handlers are ours and write into our pipes: none may run in the child.
  for (int number : {SIGINT, SIGTERM}) ::signal(number, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before it could be followed
  ::setpgid(0, 0);
  ::dup2(null_fd, STDIN_FILENO);
  ::dup2(null_fd, STDOUT_FILENO);
  ::dup2(error_fd, STDERR_FILENO);
  // Asio's sockets are not closed on exec. A child that held the server's port would keep it taken.
  if (::close_range(3, ~0U, 0) != 0)
    for (int fd = 3; fd < 4096; ++fd) ::close(fd);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv("/proc/self/exe", arguments);
  ::_exit(127);
}

}  // namespace

result<std::unique_ptr<child_process>> child_process::start(const executor& ex,
                                                            std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "tidewire");
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (auto& a : arguments) pointers.push_back(a.data());
  pointers.push_back(nullptr);
  descriptor null, reading, writing;
  null.fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  int ends[2] = {-1, -1};
  if (null.fd < 0 || ::pipe2(ends, O_CLOEXEC) != 0) return last_error();
  reading.fd = ends[0];
  writing.fd = ends[1];
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto parent = ::getpid();
  auto pid = ::fork();
  if (pid == 0) become(parent, null.fd, writing.fd, pointers.data());
  auto failure = last_error();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return failure;
  // Not pidfd_open(): glibc 2.36 declares it without extern "C".
  int pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pid_fd < 0) {
    failure = last_error();
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return failure;
  }
  return std::unique_ptr<child_process>(new child_process(ex, pid, pid_fd, reading.release()));
}

child_process::child_process(const executor& ex, pid_t pid, int pid_fd, int pipe_fd)
    : pid_(pid), ended_(ex, pid_fd), output_(ex, pipe_fd) {}

child_process::~child_process() {
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::optional<std::string> child_process::take_line() {
  while (true) {
    auto end = buffer_.find('\n');
    if (end == buffer_.npos) {
      if (buffer_.size() > max_line_bytes) {
        skipping_ = true;
        buffer_.clear();
      }
      return std::nullopt;
    }
    auto line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    if (!std::exchange(skipping_, false)) return line;
  }
}

asio::awaitable<std::optional<std::string>> child_process::read_line() {
  std::array<char, 16 * 1024> space;
  while (true) {
    auto line = take_line();
    if (line) co_return line;
    auto [ec, n] = co_await output_.async_read_some(asio::buffer(space), quietly);
    if (ec) co_return std::nullopt;  // a line without an end was cut off by a kill
    buffer_.append(space.data(), n);
  }
}

asio::awaitable<exit_status> child_process::wait() {
  siginfo_t info{};
  while (!reaped_) {
    auto [ec] = co_await ended_.async_wait(asio::posix::stream_descriptor::wait_read, quietly);
    if (ec) break;  // the loop ends, and the destructor ends the child
    info = {};
    int done = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG);
    reaped_ = done != 0 || info.si_pid == pid_;
  }
  if (info.si_pid != pid_) co_return exit_status{unknown_code, 0};
  exit_status out;
  (info.si_code == CLD_EXITED ? out.code : out.signal) = info.si_status;
  co_return out;
}

void child_process::send_signal(int number) {
  if (!reaped_) ::kill(pid_, number);
}

}  // namespace tidewire::demo
