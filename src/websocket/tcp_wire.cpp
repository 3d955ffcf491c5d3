#include "websocket/wire.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>

namespace tidewire::websocket {
namespace {

using tcp = asio::ip::tcp;

class tcp_wire final : public wire {
 public:
  tcp_wire(tcp::socket socket, std::string early)
      : socket_(std::move(socket)), early_(std::move(early)) {
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
  }

  executor get_executor() override { return socket_.get_executor(); }

  void read_some(asio::mutable_buffer space, on_bytes done) override {
    if (taken_ < early_.size()) return read_early(space, std::move(done));
    socket_.async_read_some(space, std::move(done));
  }

  std::size_t read_now(asio::mutable_buffer space, bool look_ahead) override {
    if (taken_ == early_.size()) {
      error_code ec;
      auto waiting = look_ahead ? std::min(socket_.available(ec), most_ahead) : 0;
      if (ec || waiting == 0) return 0;
      early_.resize(waiting);
      early_.resize(socket_.read_some(asio::buffer(early_), ec));
    }
    return take_early(space);
  }

  void write_some(const buffer_list& bytes, on_bytes done) override {
    socket_.async_write_some(bytes, std::move(done));
  }

  void shutdown(on_end done) override {
    error_code ec;
    socket_.shutdown(tcp::socket::shutdown_send, ec);
    asio::post(socket_.get_executor(),
               [ec, done = std::move(done)]() mutable { std::move(done)(ec); });
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void read_early(asio::mutable_buffer space, on_bytes done) {
    auto n = take_early(space);
    asio::post(socket_.get_executor(),
               [n, done = std::move(done)]() mutable { std::move(done)(error_code(), n); });
  }

  std::size_t take_early(asio::mutable_buffer space) {
    auto n = std::min(space.size(), early_.size() - taken_);
    std::memcpy(space.data(), early_.data() + taken_, n);
    taken_ += n;
    if (taken_ == early_.size()) {
      std::string().swap(early_);
      taken_ = 0;
    }
    return n;
  }

  static constexpr std::size_t most_ahead = 32 * 1024;

  tcp::socket socket_;
  std::string early_;  // read, and not yet asked for
  std::size_t taken_ = 0;
};

}  // namespace

std::unique_ptr<wire> make_tcp_wire(tcp::socket socket, std::string early) {
  return std::make_unique<tcp_wire>(std::move(socket), std::move(early));
}

}  // namespace tidewire::websocket
