#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/server/backend.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tidewire::server::test {

// A socket that sends exactly what a test says, and no library in between.
class raw_client {
 public:
  explicit raw_client(std::uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  raw_client(raw_client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), text_(other.text_) {}
  ~raw_client() {
    if (fd_ >= 0) ::close(fd_);
  }

  bool connected() const { return connected_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }

  // Appends what comes within the time; false at the end of the connection or when nothing comes.
  bool receive(std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    pollfd p{fd_, POLLIN, 0};
    timed_out_ = ::poll(&p, 1, static_cast<int>(limit.count())) == 0;
    if (timed_out_) return false;
    char space[65536];
    auto n = ::recv(fd_, space, sizeof space, 0);
    if (n <= 0) return false;
    text_.append(space, static_cast<std::size_t>(n));
    return true;
  }

  // Everything until the server closes. Ends early, with still_open() set, after the limit.
  std::string& until_closed(std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    while (receive(limit)) {
    }
    return text_;
  }
  std::string& text() { return text_; }  // received and not yet taken
  bool still_open() const { return timed_out_; }

  // One response with a Content-Length (or none, after HEAD) off the stream; empty when broken.
  std::string response(bool head = false) {
    std::size_t end = 0;
    while ((end = text_.find("\r\n\r\n")) == text_.npos)
      if (!receive()) return {};
    end += 4;
    auto at = text_.find("Content-Length: ");
    std::size_t length = at < end ? std::stoul(text_.substr(at + 16)) : 0;
    if (head) length = 0;
    while (text_.size() < end + length)
      if (!receive()) return {};
    auto out = text_.substr(0, end + length);
    text_.erase(0, end + length);
    return out;
  }

  std::string exchange(std::string_view request) {
    send(request);
    return response();
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
  bool timed_out_ = false;
  std::string text_;
};

inline int status_of(const std::string& response) {
  return response.size() > 12 ? std::atoi(response.c_str() + 9) : 0;
}

inline std::string body_of(const std::string& response) {
  auto end = response.find("\r\n\r\n");
  return end == response.npos ? "" : response.substr(end + 4);
}

inline std::string header_of(const std::string& response, const std::string& name) {
  auto head = response.substr(0, response.find("\r\n\r\n"));
  auto at = head.find("\r\n" + name + ": ");
  if (at == head.npos) return {};
  at += name.size() + 4;
  return head.substr(at, head.find("\r\n", at) - at);
}

// Remembers every word that was logged.
class recording_log final : public log_sink {
 public:
  void write(severity, std::string_view event, std::initializer_list<log_field> fields) override {
    std::lock_guard lock(mutex_);
    text_.append(event);
    for (const auto& f : fields) text_.append(" ").append(f.name).append("=").append(f.value);
    text_ += '\n';
  }
  std::string text() const {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class recording_metrics final : public metrics_sink {
 public:
  void count(std::string_view name, double by, std::string_view label) override {
    std::lock_guard lock(mutex_);
    values_[std::string(name) + "{" + std::string(label) + "}"] += by;
  }
  void gauge(std::string_view name, double value, std::string_view label) override {
    std::lock_guard lock(mutex_);
    values_[std::string(name) + "{" + std::string(label) + "}"] = value;
  }
  void observe(std::string_view, double, std::string_view) override {}
  double value(const std::string& key) const {
    std::lock_guard lock(mutex_);
    auto it = values_.find(key);
    return it == values_.end() ? 0 : it->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, double> values_;
};

// An io_context on two threads with a log, metrics and a folder of its own.
class server_fixture {
 public:
  server_fixture() {
    auto name = std::filesystem::temp_directory_path() / "tidewire-server-XXXXXX";
    std::string text = name.string();
    folder = ::mkdtemp(text.data());
    for (auto& t : threads_) t = std::thread([this] { io.run(); });
  }
  ~server_fixture() {
    work_.reset();
    for (auto& t : threads_) t.join();
    std::filesystem::remove_all(folder);
  }

  context make_context() {
    context ctx(io.get_executor(), rng(1));
    ctx.log = &log;
    ctx.metrics = &metrics;
    return ctx;
  }

  // A file that was written long ago, unless told otherwise.
  void write_file(const std::string& name, std::string_view bytes,
                  std::chrono::seconds age = std::chrono::hours(1)) {
    auto path = std::filesystem::path(folder) / name;
    std::ofstream(path, std::ios::binary) << bytes;
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - age);
  }

  asio::io_context io;
  recording_log log;
  recording_metrics metrics;
  std::string folder;

 private:
  asio::executor_work_guard<asio::io_context::executor_type> work_{io.get_executor()};
  std::thread threads_[2];
};

// A server that runs for the time of a test.
template <class Server>
class running {
 public:
  explicit running(Server& server) : server_(server) {
    auto good = server.listen();
    if (good) done_ = server.async_run(asio::use_future);
  }
  ~running() { stop(std::chrono::seconds(0)); }

  // True when async_run() completed in time.
  bool stop(std::chrono::nanoseconds grace) {
    if (!done_.valid()) return false;
    server_.stop(grace);
    bool in_time = done_.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    if (in_time) done_.get();
    return in_time;
  }
  bool ended(std::chrono::milliseconds within) {
    return done_.wait_for(within) == std::future_status::ready;
  }

 private:
  Server& server_;
  std::future<void> done_;
};

}  // namespace tidewire::server::test
