#pragma once

#include "websocket/linger.hpp"
#include "websocket/turn_executor.hpp"
#include "websocket/wire.hpp"

#include <tidewire/core/clock.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace tidewire::websocket {

// What is told about a connection from below Beast.
struct line_state {
  explicit line_state(const executor& ex) : time(ex), heard(time.now()) {}
  clock time;
  clock::time_point heard;
  std::chrono::nanoseconds close_timeout{};
};

// The wire as Beast wants a stream to be. Erases each operation at once, so that there is one
// instantiation for TCP and TLS.
class beast_layer {
 public:
  using executor_type = executor;

  beast_layer(std::shared_ptr<wire> w, std::shared_ptr<line_state> line)
      : wire_(std::move(w)),
        line_(std::move(line)),
        executor_(turn_executor(wire_->get_executor())) {}

  executor_type get_executor() { return executor_; }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& space, Handler&& handler) {
    asio::mutable_buffer first;
    auto end = asio::buffer_sequence_end(space);
    for (auto it = asio::buffer_sequence_begin(space); it != end && first.size() == 0; ++it)
      first = *it;
    return asio::async_initiate<Handler, void(error_code, std::size_t)>(
        [this](auto h, asio::mutable_buffer into) {
          wire_->read_some(into, wire::on_bytes(noting<decltype(h)>(line_, std::move(h))));
        },
        handler, first);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& bytes, Handler&& handler) {
    buffer_list list;
    auto end = asio::buffer_sequence_end(bytes);
    for (auto it = asio::buffer_sequence_begin(bytes); it != end && list.size < list.max; ++it)
      if (asio::const_buffer one(*it); one.size() > 0) list.all[list.size++] = one;
    return asio::async_initiate<Handler, void(error_code, std::size_t)>(
        [this](auto h, buffer_list all) { wire_->write_some(all, wire::on_bytes(std::move(h))); },
        handler, list);
  }

  // The close frames have been exchanged, or ours has been sent and the peer's doesn't count.
  template <class Handler>
  friend void async_teardown(boost::beast::role_type role, beast_layer& layer, Handler&& handler) {
    linger(layer.wire_, role == boost::beast::role_type::server, layer.line_->close_timeout);
    asio::post(layer.get_executor(),
               boost::beast::bind_front_handler(std::forward<Handler>(handler), error_code()));
  }
  friend void beast_close_socket(beast_layer& layer) { layer.wire_->close(); }

 private:
  // Beast's operation, which first notes that something came.
  template <class Handler>
  struct noting {
    noting(std::shared_ptr<line_state> l, Handler h) : line(std::move(l)), handler(std::move(h)) {}

    using executor_type = asio::associated_executor_t<Handler, executor>;
    executor_type get_executor() const noexcept {
      return asio::get_associated_executor(handler, executor());
    }
    using allocator_type = asio::associated_allocator_t<Handler>;
    allocator_type get_allocator() const noexcept {
      return asio::get_associated_allocator(handler);
    }
    using cancellation_slot_type = asio::associated_cancellation_slot_t<Handler>;
    cancellation_slot_type get_cancellation_slot() const noexcept {
      return asio::get_associated_cancellation_slot(handler);
    }

    void operator()(error_code ec, std::size_t n) {
      if (n > 0) line->heard = line->time.now();
      handler(ec, n);
    }

    std::shared_ptr<line_state> line;
    Handler handler;
  };

  std::shared_ptr<wire> wire_;
  std::shared_ptr<line_state> line_;
  executor_type executor_;
};

}  // namespace tidewire::websocket
