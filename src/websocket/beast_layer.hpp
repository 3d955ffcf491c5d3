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
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace tidewire::websocket {

// What is told about a connection from below Beast.
struct line_state {
  explicit line_state(const executor& ex) : time(ex), heard(time.now()) {}
  clock time;
  clock::time_point heard;
  bool full = false;  // the last read filled all the room it had
  std::chrono::nanoseconds close_timeout{};
  // Written while more was known to follow, and kept so that all goes in one piece.
  bool corked = false;
  std::string held;
  std::size_t sent = 0;  // of what is held
};

// The wire as Beast wants a stream to be. Erases each operation at once, so that there is one
// instantiation for TCP and TLS.
class beast_layer {
 public:
  using executor_type = executor;
  static constexpr std::size_t most_held = 64 * 1024;

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
          // A read that was full has left something behind, more often than not.
          auto n = into.size() > 0 ? wire_->read_now(into, line_->full) : 0;
          if (n > 0) {
            line_->heard = line_->time.now();
            return asio::post(executor_, boost::beast::bind_handler(std::move(h), error_code(), n));
          }
          noting<decltype(h)> noted(line_, std::move(h), into.size());
          wire_->read_some(into, wire::on_bytes(std::move(noted)));
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
        [this](auto h, buffer_list all) { write(all, std::move(h)); }, handler, list);
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
  // What is done before a handler of Beast's is told, with its executor and the like.
  template <class Handler>
  struct wrapped {
    wrapped(std::shared_ptr<line_state> l, Handler h) : line(std::move(l)), handler(std::move(h)) {}

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

    std::shared_ptr<line_state> line;
    Handler handler;
  };

  // Notes that something came.
  template <class Handler>
  struct noting : wrapped<Handler> {
    noting(std::shared_ptr<line_state> l, Handler h, std::size_t room)
        : wrapped<Handler>(std::move(l), std::move(h)), wanted(room) {}
    void operator()(error_code ec, std::size_t n) {
      if (n > 0) this->line->heard = this->line->time.now();
      this->line->full = n == wanted;
      this->handler(ec, n);
    }
    std::size_t wanted;
  };

  // Writes all that is held; tells of the `own` bytes of the last write.
  template <class Handler>
  struct flushing : wrapped<Handler> {
    flushing(std::shared_ptr<line_state> l, Handler h, std::shared_ptr<wire> to, std::size_t n)
        : wrapped<Handler>(std::move(l), std::move(h)), out(std::move(to)), own(n) {}

    void start() {
      auto& l = *this->line;
      buffer_list rest;
      rest.all[0] = asio::buffer(l.held.data() + l.sent, l.held.size() - l.sent);
      rest.size = 1;
      auto* to = out.get();
      to->write_some(rest, wire::on_bytes(std::move(*this)));
    }
    void operator()(error_code ec, std::size_t n) {
      auto& l = *this->line;
      l.sent += n;
      if (!ec && l.sent < l.held.size()) return start();
      std::string().swap(l.held);  // an idle connection holds nothing
      l.sent = 0;
      this->handler(ec, own);
    }

    std::shared_ptr<wire> out;
    std::size_t own;
  };

  template <class Handler>
  void write(const buffer_list& bytes, Handler h) {
    auto& l = *line_;
    auto size = asio::buffer_size(bytes);
    bool keep = l.corked && l.held.size() + size <= most_held;
    if (!keep && l.held.empty()) return wire_->write_some(bytes, wire::on_bytes(std::move(h)));
    for (auto& b : bytes) l.held.append(static_cast<const char*>(b.data()), b.size());
    if (!keep) return flushing<Handler>(line_, std::move(h), wire_, size).start();
    asio::post(executor_, boost::beast::bind_handler(std::move(h), error_code(), size));
  }

  std::shared_ptr<wire> wire_;
  std::shared_ptr<line_state> line_;
  executor_type executor_;
};

}  // namespace tidewire::websocket
