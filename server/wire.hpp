#pragma once

#include "deadline.hpp"

#include <tidewire/server/http_server.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tidewire::server {

// The socket with its input buffer and deadline: what both directions share.
class wire {
 public:
  static constexpr std::size_t read_bytes = 4 * 1024;        // while a head is expected
  static constexpr std::size_t body_read_bytes = 64 * 1024;  // while a body is

  wire(asio::ip::tcp::socket s, const http_server_options& o)
      : socket(std::move(s)),
        options(o),
        deadline(std::make_shared<moving_deadline>(socket.get_executor(), [this] { close(); })) {}
  ~wire() { give_up_deadline(); }

  std::string_view input() const { return std::string_view(buffer_).substr(begin_); }

  void consume(std::size_t n) {
    begin_ += n;
    if (begin_ < buffer_.size()) return;
    begin_ = 0;
    // An idle connection keeps no memory that it may never need again. (Assigning an empty string
    // would keep it.)
    if (buffer_.capacity() > read_bytes) std::string().swap(buffer_);
    buffer_.clear();
  }

  // Appends what arrives; false when the connection is over. The caller has set the deadline.
  asio::awaitable<bool> receive(std::size_t most) {
    buffer_.erase(0, std::exchange(begin_, 0));
    auto had = buffer_.size();
    buffer_.resize(had + most);
    auto space = asio::buffer(buffer_.data() + had, most);
    auto [ec, n] = co_await socket.async_read_some(space, asio::as_tuple(asio::use_awaitable));
    buffer_.resize(had + n);
    co_return !ec && n > 0;
  }

  // Sends all; the deadline moves with every write that got through.
  asio::awaitable<bool> send(asio::const_buffer bytes) {
    while (bytes.size() > 0) {
      deadline->after(options.write_deadline);
      auto [ec, n] = co_await socket.async_write_some(bytes, asio::as_tuple(asio::use_awaitable));
      if (ec) co_return false;
      bytes += n;
      sent += n;
    }
    co_return true;
  }

  void close() {
    error_code ignored;
    socket.close(ignored);
  }

  // For good.
  void give_up_deadline() {
    if (deadline) deadline->cancel();
    deadline.reset();
  }

  // For what comes after HTTP on this connection.
  asio::ip::tcp::socket take_socket() { return std::move(socket); }
  std::string take_input() {
    auto out = buffer_.substr(begin_);
    std::string().swap(buffer_);
    begin_ = 0;
    return out;
  }

  asio::ip::tcp::socket socket;
  const http_server_options& options;
  std::shared_ptr<moving_deadline> deadline;
  std::uint64_t sent = 0;  // in all, heads included

 private:
  std::string buffer_;
  std::size_t begin_ = 0;
};

}  // namespace tidewire::server
