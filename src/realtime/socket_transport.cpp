#include "realtime/socket_transport.hpp"

#include <tidewire/realtime/error.hpp>
#include <tidewire/websocket/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::realtime {
namespace {

// Closed for want of good credentials: RFC 6455 has no code for it, 4401 is widely used.
bool unauthorized(const websocket::close_reason& why) {
  return why.code == static_cast<websocket::close_code>(4401);
}

}  // namespace

socket_transport::socket_transport(std::shared_ptr<transport_context> shared, transport_sink& sink,
                                   std::uint64_t generation, bool refresh)
    : shared_(std::move(shared)),
      sink_(&sink),
      generation_(generation),
      refresh_(refresh),
      clock_(shared_->exec()),
      heartbeat_(shared_->options.ping_after, shared_->options.ping_timeout) {}

void socket_transport::start() {
  auto body = [self = shared_from_this()] { return self->run(); };
  spawn(shared_, shared_from_this(), std::move(body));
}

void socket_transport::stop(bool gracefully) {
  sink_ = nullptr;
  if (connecting_) cancel_connect_.emit(asio::cancellation_type::terminal);
  if (!connection_) return;
  if (!gracefully) {
    connection_->abort();
  } else if (!std::exchange(closing_, true)) {
    auto body = [self = shared_from_this()] { return self->close(); };
    spawn(shared_, shared_from_this(), std::move(body));
  }
}

asio::awaitable<void> socket_transport::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool opened = co_await open();
  if (opened) co_await read();
}

asio::awaitable<bool> socket_transport::open() {
  auto target = *shared_->options.websocket_url;
  auto credentials = co_await authorize(*shared_, target, refresh_);
  if (!sink_) co_return false;
  if (!credentials) {
    fail("no credentials: " + credentials.error().message());
    co_return false;
  }
  websocket::connect_request request(target);
  if (!credentials->empty()) request.headers.set("Authorization", *credentials);
  request.limits.handshake = shared_->options.connect_timeout;
  request.limits.message_bytes = shared_->options.max_message_bytes;
  connecting_ = true;
  auto token =
      asio::bind_cancellation_slot(cancel_connect_.slot(), asio::as_tuple(asio::use_awaitable));
  auto [ec, opened, summary] = co_await shared_->sockets->async_connect(std::move(request), token);
  connecting_ = false;
  if (!sink_) co_return false;  // what was opened meanwhile is dropped
  if (ec) {
    socket_failure failure{summary.detail.empty() ? ec.message() : summary.detail};
    failure.unauthorized = summary.status == 401;
    failure.retry_after = summary.retry_after;
    fail(std::move(failure));
    co_return false;
  }
  connection_ = std::move(opened);
  heartbeat_.begin(clock_.now());
  auto all = sink_->begin_generation(generation_);
  if (auto hello = shared_->codec->hello(all))
    enqueue({std::move(*hello)});
  else
    sink_->on_event(generation_, welcome{});
  co_return sink_ != nullptr;
}

asio::awaitable<void> socket_transport::read() {
  auto token = asio::as_tuple(asio::use_awaitable);
  while (sink_) {
    auto [ec, message] = co_await connection_->async_read(token);
    if (!sink_) co_return;
    if (ec) {
      bool closed = ec == websocket::errc::closed;
      auto text = closed ? connection_->reason().text : std::string();
      socket_failure failure{text.empty() ? ec.message() : text};
      failure.unauthorized = closed && unauthorized(connection_->reason());
      fail(std::move(failure));
      co_return;
    }
    auto events = shared_->codec->decode(message.data);
    if (!events) {
      // What was in it can't be known: a new socket asks again for everything since.
      fail("the server sent a frame that can't be read: " + events.error().message());
      co_return;
    }
    for (auto& e : *events) {
      if (!sink_) co_return;
      if (auto* bye = std::get_if<goodbye>(&e)) {
        socket_failure failure{bye->reason};
        failure.retry_after = bye->retry_after;
        failure.unauthorized = bye->unauthorized;
        fail(std::move(failure));
        co_return;
      }
      sink_->on_event(generation_, std::move(e));
    }
  }
}

void socket_transport::welcomed(std::optional<clock::duration> ping) {
  welcomed_ = true;
  if (ping) heartbeat_.quiet_for(*ping);
  // Bytes must come back before polling is given up for this socket.
  heartbeat_.ping_now(clock_.now());
  enqueue({{}, true});
  publish();
}

bool socket_transport::send(std::string frame) {
  if (!welcomed_ || !sink_ || !connection_ || closing_) return false;
  if (buffered_bytes_ + frame.size() > shared_->options.send_buffer_bytes) return false;
  if (dead()) return false;
  enqueue({std::move(frame)});
  return true;
}

void socket_transport::publish() {
  if (!shared_->codec->acknowledges()) return;
  auto limit = shared_->options.publish_in_flight;
  while (welcomed_ && sink_ && connection_ && !closing_ &&
         buffered_bytes_ < shared_->options.send_buffer_bytes) {
    auto* next = sink_->next_publication(generation_, limit);
    if (!next) return;
    enqueue({shared_->codec->encode(*next)});
  }
}

void socket_transport::enqueue(outgoing item) {
  buffered_bytes_ += item.text.size();
  out_.push_back(std::move(item));
  if (std::exchange(writing_, true)) return;
  auto body = [self = shared_from_this()] { return self->write(); };
  spawn(shared_, shared_from_this(), std::move(body));
}

asio::awaitable<void> socket_transport::write() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto token = asio::as_tuple(asio::use_awaitable);
  while (!out_.empty() && !closing_) {
    auto& item = out_.front();  // stays in place: others are only put behind it
    error_code ec;
    if (item.ping) {
      auto [e] = co_await connection_->async_ping(token);
      ec = e;
    } else {
      auto [e] = co_await connection_->async_write(item.text, true, token);
      ec = e;
    }
    buffered_bytes_ -= out_.front().text.size();
    out_.pop_front();
    if (ec) {
      if (sink_) fail("sending failed: " + ec.message());
      break;
    }
    publish();
  }
  writing_ = false;
}

asio::awaitable<void> socket_transport::close() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto token = asio::as_tuple(asio::use_awaitable);
  std::string reason;
  co_await connection_->async_close(websocket::close_code::normal, std::move(reason), token);
  connection_->abort();
}

std::optional<clock::time_point> socket_transport::deadline() const {
  if (!welcomed_ || !sink_ || !connection_) return std::nullopt;
  return heartbeat_.deadline();
}

void socket_transport::check() {
  if (!deadline()) return;
  auto now = clock_.now();
  switch (heartbeat_.check(now, connection_->last_heard())) {
    case heartbeat::verdict::ping:
      enqueue({{}, true});
      break;
    case heartbeat::verdict::dead:
      fail("no sign of life");
      break;
    case heartbeat::verdict::alive:
      break;
  }
}

// Asked before each send: a machine that slept must not write into a socket that is no more.
bool socket_transport::dead() {
  auto verdict = heartbeat_.check(clock_.now(), connection_->last_heard());
  if (verdict == heartbeat::verdict::ping) enqueue({{}, true});
  if (verdict != heartbeat::verdict::dead) return false;
  fail("no sign of life");
  return true;
}

bool socket_transport::proved() {
  return welcomed_ && connection_ && heartbeat_.answered(connection_->last_heard());
}

void socket_transport::fail(socket_failure failure) {
  auto* sink = std::exchange(sink_, nullptr);
  if (connection_) connection_->abort();
  if (sink) sink->on_lost(generation_, std::move(failure));
}

}  // namespace tidewire::realtime
