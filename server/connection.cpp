#include "body_stream.hpp"
#include "cors.hpp"
#include "edge.hpp"
#include "request_reader.hpp"
#include "response_head.hpp"
#include "websocket_session.hpp"
#include "wire.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace tidewire::server {
namespace {

using tcp = asio::ip::tcp;

constexpr std::size_t write_bytes = 256 * 1024;  // of a streamed body, at a time
constexpr std::uint64_t max_drained_bytes = 64 * 1024;
constexpr std::size_t max_lingering_bytes = 1024 * 1024;
constexpr auto lingering = std::chrono::seconds(2);

// The body has nothing yet, which is no failure.
bool waits(const result<std::size_t>& read) {
  return !read && read.error() == boost::system::errc::resource_unavailable_try_again;
}

class connection_impl final : public connection {
 public:
  connection_impl(std::shared_ptr<edge> shared, tcp::socket socket, std::string peer)
      : edge_(std::move(shared)),
        peer_(std::move(peer)),
        wire_(std::move(socket), edge_->options) {}

  void start(std::function<void()> gone) override;
  void begin_stop() override;
  void force_close() override;

 private:
  struct head_outcome {
    std::size_t length = 0;
    std::optional<refusal> bad;
    bool over = false;
  };

  std::shared_ptr<connection_impl> self() {
    return std::static_pointer_cast<connection_impl>(shared_from_this());
  }
  static asio::awaitable<void> serve(std::shared_ptr<connection_impl> self);
  asio::awaitable<bool> serve_one();
  asio::awaitable<head_outcome> read_head();
  asio::awaitable<response> ask_handler(request& req);
  bool take_upgrade(const request& req, response& answer);
  asio::awaitable<bool> refuse(refusal why);
  asio::awaitable<bool> respond(const request& req, const request_reader& reader, response& answer,
                                bool keep_alive);
  asio::awaitable<bool> send_body(response_body& body, std::string head, body_framing framing);
  asio::awaitable<bool> send_chunked(response_body& body, std::string head);
  asio::awaitable<bool> wait_for(response_body& body);
  asio::awaitable<void> watch_client();
  asio::awaitable<bool> drain(body_stream& body, const request_reader& reader);
  asio::awaitable<void> linger();
  std::string head_of(const response& answer, unsigned version, body_framing framing,
                      std::uint64_t length, bool keep_alive) const;

  std::shared_ptr<edge> edge_;
  std::string peer_;
  wire wire_;
  std::unique_ptr<websocket_session> upgraded_;  // what this connection has become
  asio::cancellation_signal cancel_;
  bool stopping_ = false;
  bool idle_ = true;      // between two requests, and nothing of the next has come
  bool waiting_ = false;  // for a response's body that has nothing yet
  bool first_ = true;
};

void connection_impl::start(std::function<void()> gone) {
  auto strand = wire_.socket.get_executor();
  auto done = [self = self(), gone = std::move(gone)](const std::exception_ptr&) {
    // A cancelled wait ends the coroutine by an exception; there is nobody to tell.
    self->wire_.give_up_deadline();
    self->wire_.close();
    gone();
  };
  // The coroutine and the signal live on the same strand.
  asio::post(strand, [self = self(), strand, done = std::move(done)]() mutable {
    auto slot = self->cancel_.slot();
    asio::co_spawn(strand, serve(self), asio::bind_cancellation_slot(slot, std::move(done)));
  });
}

void connection_impl::begin_stop() {
  asio::post(wire_.socket.get_executor(), [self = self()] {
    self->stopping_ = true;
    if (self->upgraded_) return self->upgraded_->begin_stop();
    if (self->idle_ || self->waiting_) self->wire_.close();
    // Such a body may wait for ever; its client comes back and asks again.
    if (self->waiting_) self->cancel_.emit(asio::cancellation_type::terminal);
  });
}

void connection_impl::force_close() {
  asio::post(wire_.socket.get_executor(), [self = self()] {
    self->stopping_ = true;
    self->wire_.close();
    if (self->upgraded_) self->upgraded_->force_close();
    self->cancel_.emit(asio::cancellation_type::terminal);
  });
}

asio::awaitable<void> connection_impl::serve(std::shared_ptr<connection_impl> self) {
  error_code ignored;
  self->wire_.socket.set_option(tcp::no_delay(true), ignored);
  bool more = true;
  while (more && self->wire_.socket.is_open()) {
    auto before = self->wire_.sent;
    more = co_await self->serve_one();
    self->first_ = false;
    auto sent = self->wire_.sent - before;
    if (sent > 0)
      self->edge_->ctx.metrics->count("tidewire_http_sent_bytes_total", static_cast<double>(sent));
    if (self->stopping_ && self->wire_.input().empty()) more = false;
  }
  if (self->upgraded_) {
    // The frames and buffers of the request are gone by now: an idle WebSocket is small.
    self->wire_.give_up_deadline();
    self->upgraded_->take(self->wire_.take_socket(), self->wire_.take_input());
    auto answering = self->upgraded_->answer();
    auto made = co_await std::move(answering);
    if (!made) co_return;
    auto session = self->upgraded_->begin(std::move(made));
    co_await std::move(session);
    co_return;
  }
  if (self->wire_.deadline->expired()) self->edge_->refused("deadline", self->peer_);
}

// False: the connection ends here.
asio::awaitable<bool> connection_impl::serve_one() {
  idle_ = true;
  auto head = co_await read_head();
  idle_ = false;
  if (head.over) co_return false;
  if (head.bad) co_return co_await refuse(*head.bad);

  request_reader reader(edge_->options.max_header_bytes, edge_->options.max_body_bytes);
  request req;
  req.peer = peer_;
  auto bad = reader.parse_head(wire_.input().substr(0, head.length), req);
  wire_.consume(head.length);
  if (bad) co_return co_await refuse(*bad);
  wire_.deadline->none();  // a handler's time is its own

  body_stream body(wire_, reader);
  req.body = &body;
  response answer;
  if (auto permission = answer_preflight(req, edge_->policy)) {
    answer = std::move(*permission);
  } else if (auto stopped = screen(req, edge_->policy)) {
    edge_->refused(stopped->reason, peer_);
    answer = std::move(stopped->answer);
  } else {
    answer = co_await ask_handler(req);
  }
  if (answer.upgrade && take_upgrade(req, answer)) co_return false;
  allow_reading(req, edge_->policy, answer);
  // A body that nobody read stands between us and the next request.
  const auto& how = reader.how();
  bool can_drain = reader.done() || (!body.failed() && !body.awaits_continue() && !how.chunked &&
                                     how.content_length <= max_drained_bytes);
  bool keep_alive = how.keep_alive && can_drain && !stopping_;
  edge_->answered(req, answer.status);
  bool sent = co_await respond(req, reader, answer, keep_alive);
  if (!sent) co_return false;
  if (keep_alive) co_return co_await drain(body, reader);
  if (!reader.done()) co_await linger();
  co_return false;
}

asio::awaitable<connection_impl::head_outcome> connection_impl::read_head() {
  const auto& o = edge_->options;
  head_outcome out;
  head_scan scan;
  bool begun = false;
  wire_.deadline->after(first_ ? o.header_deadline : o.keep_alive);
  while (true) {
    // RFC 9112, 2.2: an empty line before the request line is left over from the last body.
    if (!begun && wire_.input().starts_with("\r\n")) wire_.consume(2);
    auto input = wire_.input();
    if (!begun && !input.empty() && input != "\r") {
      begun = true;
      idle_ = false;
      // From the first byte on, whatever drips in: a head has one deadline as a whole.
      if (!first_) wire_.deadline->after(o.header_deadline);
    }
    if (begun) {
      auto seen = scan.feed(input);
      out.bad = seen.bad;
      if (seen.length && *seen.length > o.max_header_bytes)
        out.bad = refusal{431, "head_too_large"};
      if (!out.bad && !seen.length && input.size() >= o.max_header_bytes)
        out.bad = refusal{431, "head_too_large"};
      out.length = seen.length.value_or(0);
      if (out.bad || seen.length) co_return out;
    }
    out.over = !co_await wire_.receive(wire::read_bytes);
    if (out.over) co_return out;
  }
}

asio::awaitable<response> connection_impl::ask_handler(request& req) {
  std::exception_ptr failure;
  try {
    auto pending = edge_->answer(req);
    co_return co_await std::move(pending);
  } catch (...) {
    failure = std::current_exception();
  }
  // Handlers report by value; one that throws has a bug, which must not end the other connections.
  // A cancelled wait comes here too: no mistake, and nobody reads the answer.
  auto cancelled = co_await asio::this_coro::cancellation_state;
  if (cancelled.cancelled() == asio::cancellation_type::none)
    edge_->ctx.log->write(severity::error, "http.handler_threw", {{"path", req.path}});
  co_return problem(500, "Internal Server Error");
}

// False when it is a handler's mistake, and `answer` an error.
bool connection_impl::take_upgrade(const request& req, response& answer) {
  auto wanted = std::move(answer.upgrade);
  auto key = req.headers.find("Sec-WebSocket-Key");
  if (answer.status == 101 && key && wanted->session && !stopping_) {
    edge_->answered(req, 101);
    upgraded_ = std::make_unique<websocket_session>(std::move(*wanted), std::string(*key));
    return true;
  }
  answer = stopping_ ? problem(503, "Service Unavailable") : problem(500, "Internal Server Error");
  return false;
}

asio::awaitable<bool> connection_impl::refuse(refusal why) {
  edge_->refused(why.reason, peer_);
  auto answer = problem(why.status, std::string(reason_of(why.status)), why.reason);
  request none;
  edge_->answered(none, why.status);
  auto head = head_of(answer, 11, body_framing::length, *answer.body->size(), false);
  bool sent = co_await send_body(*answer.body, std::move(head), body_framing::length);
  if (sent) co_await linger();
  co_return false;
}

std::string connection_impl::head_of(const response& answer, unsigned version, body_framing framing,
                                     std::uint64_t length, bool keep_alive) const {
  head_options how;
  how.version = version;
  how.framing = framing;
  how.content_length = length;
  how.keep_alive = keep_alive;
  how.date = std::chrono::floor<std::chrono::seconds>(clock(edge_->ctx.exec).wall_now());
  return format_head(answer, how);
}

asio::awaitable<bool> connection_impl::respond(const request& req, const request_reader& reader,
                                               response& answer, bool keep_alive) {
  std::optional<std::uint64_t> size;
  if (answer.body) size = answer.body->size();
  auto framing = choose_framing(answer.status, reader.version(), size, answer.body != nullptr);
  if (framing == body_framing::close) keep_alive = false;
  auto head = head_of(answer, reader.version(), framing, size.value_or(0), keep_alive);
  if (req.method == "HEAD" || framing == body_framing::none || !answer.body) {
    bool sent = co_await wire_.send(asio::buffer(head));
    co_return sent;
  }
  bool sent = false;
  if (framing == body_framing::chunked)
    sent = co_await send_chunked(*answer.body, std::move(head));
  else
    sent = co_await send_body(*answer.body, std::move(head), framing);
  co_return sent&& framing != body_framing::close;
}

// The head travels with the first bytes of the body; after that the buffer is used again and again.
asio::awaitable<bool> connection_impl::send_body(response_body& body, std::string head,
                                                 body_framing framing) {
  auto left = framing == body_framing::length ? *body.size() : ~std::uint64_t(0);
  auto space = std::min<std::uint64_t>(write_bytes, left);
  std::vector<std::byte> buffer(head.size() + std::max<std::uint64_t>(space, 1));
  std::copy_n(reinterpret_cast<const std::byte*>(head.data()), head.size(), buffer.begin());
  auto used = head.size();
  while (true) {
    auto room = std::span(buffer).subspan(used);
    auto n = body.read(room.first(std::min<std::uint64_t>(room.size(), left)));
    if (waits(n)) {
      // What is known goes out before the wait: the head at least.
      bool on = co_await wire_.send(asio::buffer(buffer.data(), std::exchange(used, 0)));
      if (on) on = co_await wait_for(body);
      if (!on) co_return false;
      continue;
    }
    bool broken = !n || (*n == 0 && left > 0 && framing == body_framing::length);
    if (broken) {
      // Closing short is the only way left to say that what came is not the whole.
      edge_->ctx.log->write(severity::warning, "http.body_broke_off", {{"peer", peer_}});
      if (used > 0) co_await wire_.send(asio::buffer(buffer.data(), used));
      co_return false;
    }
    left -= *n;
    used += *n;
    bool sent = co_await wire_.send(asio::buffer(buffer.data(), used));
    if (!sent || left == 0 || *n == 0) co_return sent;
    used = 0;
  }
}

asio::awaitable<bool> connection_impl::send_chunked(response_body& body, std::string head) {
  constexpr std::size_t line_bytes = 10;  // eight digits, CR, LF
  constexpr std::string_view crlf = "\r\n";
  constexpr std::string_view last = "0\r\n\r\n";
  bool sent = co_await wire_.send(asio::buffer(head));
  std::vector<std::byte> buffer(write_bytes);
  while (sent) {
    auto space = std::span(buffer).subspan(line_bytes, write_bytes - line_bytes - crlf.size());
    auto n = body.read(space);
    if (waits(n)) {
      // Thousands may wait at once: none keeps memory meanwhile.
      std::vector<std::byte>().swap(buffer);
      sent = co_await wait_for(body);
      buffer.resize(write_bytes);
      continue;
    }
    if (!n) {
      edge_->ctx.log->write(severity::warning, "http.body_broke_off", {{"peer", peer_}});
      co_return false;
    }
    if (*n == 0) break;
    char line[line_bytes + 1];
    std::snprintf(line, sizeof line, "%08x\r\n", static_cast<std::uint32_t>(*n));
    std::copy_n(reinterpret_cast<const std::byte*>(line), line_bytes, buffer.begin());
    std::copy_n(reinterpret_cast<const std::byte*>(crlf.data()), crlf.size(),
                buffer.begin() + static_cast<std::ptrdiff_t>(line_bytes + *n));
    sent = co_await wire_.send(asio::buffer(buffer.data(), line_bytes + *n + crlf.size()));
  }
  if (!sent) co_return false;
  sent = co_await wire_.send(asio::buffer(last));
  co_return sent;
}

// Until the body has something, or nobody is there any more: false.
asio::awaitable<bool> connection_impl::wait_for(response_body& body) {
  using asio::experimental::awaitable_operators::operator||;
  if (stopping_) co_return false;
  wire_.deadline->none();  // how long it takes is the body's own affair
  waiting_ = true;
  auto ready = body.ready();
  auto gone = watch_client();
  auto either = std::move(ready) || std::move(gone);
  auto first = co_await std::move(either);
  waiting_ = false;
  co_return first.index() == 0 && !stopping_;
}

// Completes when the client has closed its side. What it sends meanwhile is kept for later, up to a
// bound; beyond it only the next write would tell that the client has gone.
asio::awaitable<void> connection_impl::watch_client() {
  auto cancelled = co_await asio::this_coro::cancellation_state;
  while (wire_.input().size() < max_drained_bytes) {
    // Waiting takes no bytes, so that a cancel loses none.
    auto token = asio::as_tuple(asio::use_awaitable);
    auto [ec] = co_await wire_.socket.async_wait(tcp::socket::wait_read, token);
    if (ec || cancelled.cancelled() != asio::cancellation_type::none) co_return;
    bool more = co_await wire_.receive(wire::read_bytes);
    if (!more) co_return;
  }
  timer never(wire_.socket.get_executor());
  never.expires_at(clock::time_point::max());
  auto token = asio::as_tuple(asio::use_awaitable);
  co_await never.async_wait(token);
}

asio::awaitable<bool> connection_impl::drain(body_stream& body, const request_reader& reader) {
  std::array<std::byte, 4096> space;
  while (!reader.done()) {
    auto n = co_await body.read(space);
    if (!n) co_return false;
  }
  co_return true;
}

// Closing with unread bytes resets the connection, and the reset may overtake our answer.
asio::awaitable<void> connection_impl::linger() {
  error_code ec;
  wire_.socket.shutdown(tcp::socket::shutdown_send, ec);
  wire_.deadline->after(lingering);
  std::size_t seen = wire_.input().size();
  wire_.consume(seen);
  while (!ec && seen < max_lingering_bytes) {
    bool more = co_await wire_.receive(wire::body_read_bytes);
    if (!more) break;
    seen += wire_.input().size();
    wire_.consume(wire_.input().size());
  }
  wire_.deadline->none();
}

}  // namespace

void edge::refused(std::string_view reason, std::string_view peer) const {
  ctx.metrics->count("tidewire_http_refusals_total", 1, "reason=" + std::string(reason));
  ctx.log->write(severity::info, "http.refused", {{"reason", reason}, {"peer", peer}});
}

void edge::answered(const request& req, unsigned status) const {
  auto code = std::to_string(status);
  ctx.metrics->count("tidewire_http_requests_total", 1, "status=" + code.substr(0, 1) + "xx");
  ctx.log->write(
      severity::debug, "http.request",
      {{"method", req.method}, {"path", req.path}, {"status", code}, {"peer", req.peer}});
}

std::shared_ptr<connection> make_connection(std::shared_ptr<edge> shared, tcp::socket socket,
                                            std::string peer) {
  return std::make_shared<connection_impl>(std::move(shared), std::move(socket), std::move(peer));
}

}  // namespace tidewire::server
