// The one file that instantiates Beast's WebSocket: half a minute of compiling.
#include "websocket/beast_connection.hpp"

#include "websocket/beast_layer.hpp"
#include "websocket/delivery.hpp"
#include "websocket/upgrade.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/websocket/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <optional>
#include <vector>

namespace tidewire::websocket {
namespace {

namespace ws = boost::beast::websocket;
namespace beast_http = boost::beast::http;

// A read buffer that a large message has stretched beyond this is given back.
constexpr std::size_t kept_buffer_bytes = 16 * 1024;
// An idle connection waits with room for a message of at least so much.
constexpr std::size_t least_room_bytes = 64;
// Frames that wait for the one being written.
constexpr std::size_t max_queued_frames = 64;

// Beast prepares room for what max_size() leaves, up to 1536 bytes, before it knows of any message:
// thousands of idle connections would hold that. This one tells it as much as the last message
// needed; the room for what is known to come is not bounded by it.
class read_buffer : public boost::beast::flat_buffer {
 public:
  std::size_t max_size() const noexcept { return size() + room_; }

  // After a message. What a large one has stretched is given back.
  void renew() {
    room_ = std::max(size(), least_room_bytes);
    clear();
    if (capacity() > kept_buffer_bytes || capacity() > 4 * room_) shrink_to_fit();
  }

 private:
  std::size_t room_ = least_room_bytes;
};

// What outlives the connection object while Beast's operations are under way. `done` handlers of
// users are kept here and not in Beast's operations: an abort completes them at once.
class core final : public std::enable_shared_from_this<core> {
 public:
  core(std::shared_ptr<wire> w, const connection_limits& limits)
      : wire_(std::move(w)),
        executor_(wire_->get_executor()),
        line_(std::make_shared<line_state>(executor_)),
        stream_(beast_layer(wire_, line_)) {
    line_->close_timeout = limits.close_timeout;
    ws::stream_base::timeout none{ws::stream_base::none(), ws::stream_base::none(), false};
    stream_.set_option(none);
    stream_.read_message_max(std::max<std::size_t>(limits.message_bytes, 1));
    stream_.auto_fragment(false);
  }

  const executor& get_executor() const { return executor_; }
  clock::time_point last_heard() const { return line_->heard; }
  const close_reason& reason() const { return reason_; }

  void start_client(client_hello hello, on_connection done);
  void start_server(server_hello hello, on_accepted done);
  void read(delivery<message> done);
  void write(std::string_view data, bool text, delivery<> done);
  void ping(delivery<> done);
  void close(close_code code, std::string reason, delivery<> done);
  void cork(bool on) { line_->corked = on; }
  void abort();

 private:
  struct frame {
    enum class kind { message, ping, close } what;
    std::string_view data;  // of a message
    bool text = false;
    delivery<> done;
  };

  void on_read(error_code ec);
  void enqueue(frame f);
  void send_next();
  void on_sent(error_code ec);
  void on_close_sent(error_code ec);
  void on_deadline();
  void limit(std::chrono::nanoseconds after);
  void end();
  void take_reason();
  ws::close_reason farewell() const;
  error_code read_error(error_code ec) const;
  error_code write_error(error_code ec) const;

  std::shared_ptr<wire> wire_;
  executor executor_;
  std::shared_ptr<line_state> line_;
  ws::stream<beast_layer, false> stream_;
  read_buffer buffer_;
  std::optional<delivery<message>> reading_;
  std::vector<frame>
      frames_;  // the first one is being written; no deque: it is never without memory
  std::vector<delivery<>> closers_;
  std::unique_ptr<timer> deadline_;  // of the server's handshake, or of the close
  close_reason reason_;              // the peer's
  close_reason farewell_;            // ours
  bool writing_ = false, closing_ = false, expired_ = false, peer_closed_ = false;
  bool over_ = false;     // nothing more will come or go
  bool aborted_ = false;  // ... because the owner wanted it so
};

class beast_connection final : public connection {
 public:
  explicit beast_connection(std::shared_ptr<core> c) : core_(std::move(c)) {}
  ~beast_connection() override { core_->abort(); }

  executor get_executor() const override { return core_->get_executor(); }
  void abort() override { core_->abort(); }
  void cork(bool on) override { core_->cork(on); }
  clock::time_point last_heard() const override { return core_->last_heard(); }
  const close_reason& reason() const override { return core_->reason(); }

 private:
  void start_read(asio::any_completion_handler<void(error_code, message)> done) override {
    delivery<message> d(core_->get_executor(), std::move(done));
    aborts(d);
    core_->read(std::move(d));
  }
  void start_write(std::string_view data, bool text,
                   asio::any_completion_handler<void(error_code)> done) override {
    delivery<> d(core_->get_executor(), std::move(done));
    aborts(d);
    core_->write(data, text, std::move(d));
  }
  void start_ping(asio::any_completion_handler<void(error_code)> done) override {
    delivery<> d(core_->get_executor(), std::move(done));
    aborts(d);
    core_->ping(std::move(d));
  }
  void start_close(close_code code, std::string reason,
                   asio::any_completion_handler<void(error_code)> done) override {
    delivery<> d(core_->get_executor(), std::move(done));
    aborts(d);
    core_->close(code, std::move(reason), std::move(d));
  }

  // Half a frame can't be taken back: cancelling an operation ends the connection.
  template <class Delivery>
  void aborts(Delivery& d) {
    d.on_cancel([weak = std::weak_ptr(core_)] {
      if (auto alive = weak.lock()) alive->abort();
    });
  }

  std::shared_ptr<core> core_;
};

void core::start_client(client_hello hello, on_connection done) {
  auto decorate = [headers = std::move(hello.headers)](ws::request_type& request) {
    for (const auto& f : headers) request.insert(f.name, f.value);
  };
  stream_.set_option(ws::stream_base::decorator(std::move(decorate)));
  stream_.write_buffer_bytes(16 * 1024);
  auto answer = std::make_shared<ws::response_type>();
  auto& into = *answer;
  delivery<std::unique_ptr<connection>> d(executor_, std::move(done));
  d.on_cancel([w = wire_] { w->close(); });
  stream_.async_handshake(
      into, hello.host, hello.target,
      [self = shared_from_this(), answer, d = std::move(d)](error_code ec) mutable {
        self->stream_.set_option(ws::stream_base::decorator([](ws::request_type&) {}));
        d.now(ec, ec ? nullptr : std::make_unique<beast_connection>(self));
      });
}

void core::start_server(server_hello hello, on_accepted done) {
  // The request was checked already; this is what Beast's own answer is made from.
  beast_http::request<beast_http::empty_body> request(beast_http::verb::get, "/", 11);
  request.set(beast_http::field::host, "localhost");
  request.set(beast_http::field::connection, "Upgrade");
  request.set(beast_http::field::upgrade, "websocket");
  request.set(beast_http::field::sec_websocket_version, "13");
  request.set(beast_http::field::sec_websocket_key, hello.key);
  auto decorate = [protocol = std::move(hello.subprotocol)](ws::response_type& response) {
    response.set(beast_http::field::server, "tidewire");
    if (!protocol.empty()) response.set(beast_http::field::sec_websocket_protocol, protocol);
  };
  stream_.set_option(ws::stream_base::decorator(std::move(decorate)));
  limit(hello.limits.handshake);
  delivery<accepted> d(executor_, std::move(done));
  d.on_cancel([w = wire_] { w->close(); });
  stream_.async_accept(
      request, [self = shared_from_this(), d = std::move(d)](error_code ec) mutable {
        self->stream_.set_option(ws::stream_base::decorator([](ws::response_type&) {}));
        self->deadline_.reset();
        if (self->expired_) ec = make_error_code(tidewire::errc::timed_out);
        accepted out;
        if (!ec) {
          auto weak = std::weak_ptr(self);
          out.socket = std::make_unique<beast_connection>(self);
          out.close = [weak](close_code code) {
            auto alive = weak.lock();
            if (alive) alive->close(code, {}, {});
          };
          out.abort = [weak] {
            if (auto alive = weak.lock()) alive->abort();
          };
        }
        d.now(ec, std::move(out));
      });
}

void core::read(delivery<message> done) {
  if (over_ || reading_) {
    auto ec = reading_ ? make_error_code(tidewire::errc::invalid_argument) : read_error({});
    return done.later(ec, message());
  }
  reading_.emplace(std::move(done));
  stream_.async_read(
      buffer_, [self = shared_from_this()](error_code ec, std::size_t) { self->on_read(ec); });
}

void core::on_read(error_code ec) {
  if (!reading_) return;  // aborted
  message out;
  if (!ec) {
    auto bytes = buffer_.cdata();
    out.data.assign(static_cast<const char*>(bytes.data()), bytes.size());
    out.text = stream_.got_text();
  }
  buffer_.renew();
  auto done = std::move(*reading_);
  reading_.reset();
  if (ec) {
    if (ec == ws::error::closed) take_reason();
    ec = read_error(ec);
    // While our own close waits for the peer's, the end is for on_close_sent() to tell.
    if (!closing_) end();
  }
  done.now(ec, std::move(out));
}

error_code core::read_error(error_code ec) const {
  if (aborted_) return asio::error::operation_aborted;
  if (ec == ws::error::message_too_big || ec == ws::error::buffer_overflow)
    return make_error_code(errc::message_too_big);
  if (ec == ws::error::bad_frame_payload) return make_error_code(errc::invalid_utf8);
  if (ec == ws::condition::protocol_violation) return make_error_code(errc::protocol_error);
  if (ec == ws::error::closed || closing_ || peer_closed_) return make_error_code(errc::closed);
  return make_error_code(errc::connection_lost);
}

error_code core::write_error(error_code ec) const {
  if (!ec) return ec;
  if (aborted_) return asio::error::operation_aborted;
  return make_error_code(closing_ || peer_closed_ ? errc::closed : errc::connection_lost);
}

void core::take_reason() {
  peer_closed_ = true;
  const auto& from = stream_.reason();
  reason_.code = static_cast<close_code>(from.code);
  reason_.text.assign(from.reason.data(), from.reason.size());
}

ws::close_reason core::farewell() const {
  ws::close_reason out(static_cast<ws::close_code>(farewell_.code));
  out.reason.assign(farewell_.text.data(), farewell_.text.size());
  return out;
}

void core::write(std::string_view data, bool text, delivery<> done) {
  frame f{frame::kind::message, data, text, std::move(done)};
  enqueue(std::move(f));
}

void core::ping(delivery<> done) {
  frame f{frame::kind::ping, {}, false, std::move(done)};
  enqueue(std::move(f));
}

void core::enqueue(frame f) {
  if (over_ || closing_) return f.done.later(write_error(make_error_code(errc::connection_lost)));
  if (frames_.size() >= max_queued_frames)
    return f.done.later(make_error_code(tidewire::errc::limit_exceeded));
  frames_.push_back(std::move(f));
  if (!writing_) send_next();
}

void core::send_next() {
  writing_ = true;
  auto& next = frames_.front();
  auto sent = [self = shared_from_this()](error_code ec, std::size_t = 0) { self->on_sent(ec); };
  switch (next.what) {
    case frame::kind::message:
      stream_.text(next.text);
      stream_.async_write(asio::buffer(next.data), std::move(sent));
      break;
    case frame::kind::ping:
      stream_.async_ping({}, std::move(sent));
      break;
    case frame::kind::close:
      stream_.async_close(farewell(),
                          [self = shared_from_this()](error_code ec) { self->on_close_sent(ec); });
      break;
  }
}

void core::on_sent(error_code ec) {
  if (over_) return;
  writing_ = false;
  auto done = std::move(frames_.front().done);
  frames_.erase(frames_.begin());
  if (ec && !closing_) {
    // The read under way tells, and ends with the wire.
    if (reading_)
      wire_->close();
    else
      end();
  }
  auto outcome = write_error(ec);
  if (!frames_.empty() && !over_) send_next();
  done.now(outcome);
}

void core::close(close_code code, std::string reason, delivery<> done) {
  if (over_) return done.later(error_code());
  closers_.push_back(std::move(done));
  if (std::exchange(closing_, true)) return;
  limit(line_->close_timeout);
  // What waits behind the frame under way will not be sent.
  auto keep = std::min<std::size_t>(writing_ ? 1 : 0, frames_.size());
  while (frames_.size() > keep) {
    frames_.back().done.later(make_error_code(errc::closed));
    frames_.pop_back();
  }
  cut_reason(reason);
  farewell_ = {code == close_code::none ? close_code::normal : code, std::move(reason)};
  frames_.push_back({frame::kind::close, {}, false, {}});
  if (!writing_) send_next();
}

void core::on_close_sent(error_code ec) {
  if (over_) return;
  if (!ec) take_reason();
  error_code outcome;
  // An error of Beast's when the peer's close frame came first: on_read() knows.
  if (!peer_closed_) outcome = make_error_code(errc::connection_lost);
  if (!peer_closed_ && expired_) outcome = make_error_code(tidewire::errc::timed_out);
  frames_.clear();
  auto waiting = std::exchange(closers_, {});
  end();
  for (auto& done : waiting) done.later(outcome);
}

void core::limit(std::chrono::nanoseconds after) {
  deadline_ = std::make_unique<timer>(executor_);
  deadline_->expires_after(after);
  deadline_->async_wait([weak = weak_from_this()](error_code ec) {
    auto self = weak.lock();
    if (self && !ec) self->on_deadline();
  });
}

void core::on_deadline() {
  if (over_) return;
  expired_ = true;
  wire_->close();
}

// Tells everybody who still waits.
void core::end() {
  if (std::exchange(over_, true)) return;
  deadline_.reset();
  auto reader = std::move(reading_);
  reading_.reset();
  auto frames = std::exchange(frames_, {});
  auto closers = std::exchange(closers_, {});
  if (reader) reader->later(read_error({}), message());
  auto why = write_error(make_error_code(errc::connection_lost));
  for (auto& f : frames) f.done.later(why);
  for (auto& done : closers) done.later(aborted_ ? why : error_code());
}

void core::abort() {
  if (over_) return;
  aborted_ = true;
  wire_->close();
  end();
}

}  // namespace

void start_client(std::shared_ptr<wire> w, client_hello hello, on_connection done) {
  auto limits = hello.limits;
  std::make_shared<core>(std::move(w), limits)->start_client(std::move(hello), std::move(done));
}

void start_server(std::shared_ptr<wire> w, server_hello hello, on_accepted done) {
  auto limits = hello.limits;
  std::make_shared<core>(std::move(w), limits)->start_server(std::move(hello), std::move(done));
}

}  // namespace tidewire::websocket
