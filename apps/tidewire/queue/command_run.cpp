#include "queue/command_run.hpp"

#include <boost/asio/buffer.hpp>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

extern char** environ;  // NOLINT

namespace tidewire::cli {
namespace {

// What left the group may hold the pipes open: it is not waited for longer than this.
constexpr std::chrono::seconds longest_drain(1);

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

struct pipe_ends {
  descriptor reading, writing;

  bool open() {
    int both[2] = {-1, -1};
    if (::pipe2(both, O_CLOEXEC) != 0) return false;
    reading.fd = both[0];
    writing.fd = both[1];
    return true;
  }
};

// Between fork and exec only what is safe in a signal handler may be called.
[[noreturn]] void become(pid_t parent, int in, int out, int error, char* const* arguments,
                         char* const* environment) {
  for (int number : {SIGINT, SIGTERM, SIGPIPE, SIGCHLD}) ::signal(number, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before it could be followed
  ::setpgid(0, 0);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  // Asio's sockets are not closed on exec.
  if (::close_range(3, ~0U, 0) != 0)
    for (int fd = 3; fd < 4096; ++fd) ::close(fd);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve("/bin/sh", arguments, environment);
  ::_exit(127);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (auto& t : texts) out.push_back(t.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

struct command_run::pipes {
  pipe_ends input, output, error;
  bool open() { return input.open() && output.open() && error.open(); }
};

result<std::shared_ptr<command_run>> command_run::start(const executor& ex, command_order order,
                                                        std::function<void(command_end)> ended) {
  pipes ends;
  if (!ends.open()) return last_error();
  std::vector<std::string> words{"sh", "-c", order.command};
  auto arguments = pointers_to(words);
  // A worker may be run by a task of another one.
  auto environment = pointers_to(order.environment);
  environment.pop_back();
  for (char** e = environ; *e; ++e)
    if (!std::string_view(*e).starts_with("TIDEWIRE_TASK_")) environment.push_back(*e);
  environment.push_back(nullptr);
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto parent = ::getpid();
  auto pid = ::fork();
  if (pid == 0)
    become(parent, ends.input.reading.fd, ends.output.writing.fd, ends.error.writing.fd,
           arguments.data(), environment.data());
  auto failure = last_error();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return failure;
  ::setpgid(pid, pid);  // whoever is first
  // Not pidfd_open(): glibc 2.36 declares it without extern "C".
  int pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pid_fd < 0) {
    failure = last_error();
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return failure;
  }
  std::shared_ptr<command_run> out(
      new command_run(ex, std::move(order), std::move(ended), pid, pid_fd, ends));
  out->run();
  return out;
}

command_run::command_run(const executor& ex, command_order order,
                         std::function<void(command_end)> ended, pid_t pid, int pid_fd, pipes& ends)
    : order_(std::move(order)),
      ended_(std::move(ended)),
      pid_(pid),
      exit_(ex, pid_fd),
      input_(ex, ends.input.writing.release()),
      output_(ex, ends.output.reading.release()),
      error_(ex, ends.error.reading.release()),
      patience_(ex) {
  // A command that doesn't read must not block us.
  for (auto* s : {&input_, &output_, &error_}) s->non_blocking(true);
}

command_run::~command_run() {
  if (reaped_) return;
  signal_group(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void command_run::run() {
  write_input();
  read_output();
  read_error();
  wait_for_end();
}

// While it is not reaped, its number is nobody else's.
void command_run::signal_group(int number) const {
  if (!reaped_) ::kill(-pid_, number);
}

void command_run::terminate() {
  if (reaped_ || std::exchange(told_, true)) return;
  signal_group(SIGTERM);
  signal_group(SIGCONT);  // a stopped one would not hear of it
  patience_.expires_after(order_.grace);
  patience_.async_wait([self = shared_from_this()](error_code ec) {
    if (!ec) self->kill();
  });
}

void command_run::kill() {
  signal_group(SIGKILL);
}

void command_run::write_input() {
  if (written_ == order_.input.size()) {
    input_.close();  // the end of its input
    return;
  }
  auto rest = asio::buffer(order_.input) + written_;
  input_.async_write_some(rest, [self = shared_from_this()](error_code ec, std::size_t n) {
    self->written_ += n;
    if (ec) {  // it does not want it: what it says in the end counts
      error_code ignored;
      self->input_.close(ignored);
      return;
    }
    self->write_input();
  });
}

void command_run::read_output() {
  output_.async_read_some(asio::buffer(output_space_),
                          [self = shared_from_this()](error_code ec, std::size_t n) {
                            auto& kept = self->end_.output;
                            auto room = std::min(n, kept_output_bytes - kept.size());
                            kept.append(self->output_space_.data(), room);
                            if (room < n) self->end_.output_cut = true;
                            if (!ec) {
                              self->read_output();
                              return;
                            }
                            self->output_open_ = false;
                            self->drain();
                          });
}

void command_run::read_error() {
  error_.async_read_some(asio::buffer(error_space_),
                         [self = shared_from_this()](error_code ec, std::size_t n) {
                           auto& kept = self->end_.error;
                           kept.append(self->error_space_.data(), n);
                           if (kept.size() > kept_error_bytes)
                             kept.erase(0, kept.size() - kept_error_bytes);
                           if (!ec) {
                             self->read_error();
                             return;
                           }
                           self->error_open_ = false;
                           self->drain();
                         });
}

void command_run::wait_for_end() {
  exit_.async_wait(stream::wait_read, [self = shared_from_this()](error_code ec) {
    if (ec) return;
    siginfo_t info{};
    auto flags = WEXITED | WNOHANG | WNOWAIT;
    if (::waitid(P_PID, static_cast<id_t>(self->pid_), &info, flags) == 0 && info.si_pid == 0) {
      self->wait_for_end();
      return;
    }
    // Its group goes with it, while the number is the group's for certain.
    self->signal_group(SIGKILL);
    ::waitpid(self->pid_, nullptr, 0);
    self->reaped_ = true;
    (info.si_code == CLD_EXITED ? self->end_.code : self->end_.signal) = info.si_status;
    self->patience_.expires_after(longest_drain);
    self->patience_.async_wait([self](error_code cut_off) {
      if (!cut_off) self->finish();
    });
    self->drain();
  });
}

void command_run::drain() {
  if (reaped_ && !output_open_ && !error_open_) finish();
}

void command_run::finish() {
  if (std::exchange(finished_, true)) return;
  patience_.cancel();
  error_code ignored;
  for (auto* s : {&exit_, &input_, &output_, &error_}) s->close(ignored);
  std::exchange(ended_, nullptr)(std::move(end_));
}

}  // namespace tidewire::cli
