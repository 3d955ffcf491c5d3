#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tidewire::http::testing {

// One accepted connection, with blocking calls that never throw: a failure shows as an empty or
// false answer.
class raw_connection {
 public:
  raw_connection(boost::asio::ip::tcp::socket s, int number)
      : number_(number), socket_(std::move(s)) {}

  int number() const { return number_; }  // counts accepted connections from 1

  // A request head with its blank line; empty when the client is gone.
  std::string read_head() {
    boost::system::error_code ec;
    auto n = boost::asio::read_until(socket_, boost::asio::dynamic_buffer(buffer_), "\r\n\r\n", ec);
    return ec ? std::string() : take(n);
  }

  std::string read_line() {
    boost::system::error_code ec;
    auto n = boost::asio::read_until(socket_, boost::asio::dynamic_buffer(buffer_), "\r\n", ec);
    return ec ? std::string() : take(n);
  }

  // Exactly n bytes, or what came before the end.
  std::string read(std::size_t n) {
    boost::system::error_code ec;
    while (buffer_.size() < n && !ec) {
      char piece[4096];
      auto got = socket_.read_some(boost::asio::buffer(piece), ec);
      buffer_.append(piece, got);
    }
    return take(std::min(n, buffer_.size()));
  }

  bool write(std::string_view text) {
    boost::system::error_code ec;
    boost::asio::write(socket_, boost::asio::buffer(text), ec);
    return !ec;
  }

  // What a non-blocking send takes; 0 when the kernel's buffers are full, -1 when broken.
  long try_write(std::string_view text) {
    return ::send(socket_.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  // Returns once the client has closed or reset.
  void wait_closed() {
    boost::system::error_code ec;
    char piece[4096];
    while (!ec) socket_.read_some(boost::asio::buffer(piece), ec);
  }

  // Closes with a reset in place of an orderly end.
  void reset() {
    boost::system::error_code ec;
    socket_.set_option(boost::asio::socket_base::linger(true, 0), ec);
    socket_.close(ec);
  }

  boost::asio::ip::tcp::socket& socket() { return socket_; }

 private:
  std::string take(std::size_t n) {
    auto out = buffer_.substr(0, n);
    buffer_.erase(0, n);
    return out;
  }

  int number_;
  boost::asio::ip::tcp::socket socket_;
  std::string buffer_;
};

// A TCP server that does to each connection, on a thread of its own, whatever the test says.
class raw_server {
 public:
  using script = std::function<void(raw_connection&)>;

  explicit raw_server(script s)
      : script_(std::move(s)),
        acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}),
        accepting_([this] { accept(); }) {}

  ~raw_server() {
    // Closing an acceptor does not wake a blocking accept; a shutdown does.
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    accepting_.join();
    {
      std::lock_guard lock(mutex_);
      for (auto* c : open_) ::shutdown(c->socket().native_handle(), SHUT_RDWR);
    }
    for (auto& t : threads_) t.join();
  }

  std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port()) + std::string(path);
  }
  unsigned short port() const { return acceptor_.local_endpoint().port(); }
  int connections() const { return accepted_; }

 private:
  void accept() {
    for (;;) {
      boost::system::error_code ec;
      boost::asio::ip::tcp::socket socket(context_);
      acceptor_.accept(socket, ec);
      if (ec) return;
      threads_.emplace_back([this, n = ++accepted_, s = std::move(socket)]() mutable {
        raw_connection connection(std::move(s), n);
        track(connection, true);
        script_(connection);
        track(connection, false);
      });
    }
  }

  void track(raw_connection& c, bool add) {
    std::lock_guard lock(mutex_);
    if (add)
      open_.push_back(&c);
    else
      std::erase(open_, &c);
  }

  script script_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<int> accepted_ = 0;
  std::mutex mutex_;
  std::vector<raw_connection*> open_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

}  // namespace tidewire::http::testing
