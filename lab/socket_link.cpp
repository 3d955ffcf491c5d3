#include "socket_link.hpp"

#include "websocket/upgrade.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/lab/websocket_client.hpp>
#include <tidewire/websocket/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace tidewire::lab::detail {
namespace {

using websocket::errc;
using websocket::make_error_code;

constexpr std::size_t frame_head_bytes = 6;
constexpr std::size_t max_waiting_writes = 64;
// How much is read before the sender is told.
constexpr std::size_t acknowledged_bytes = websocket_client::window_bytes / 4;

std::size_t size_of(const socket_frame& f) {
  return frame_head_bytes + f.content.data.size() + f.reason.text.size();
}

class lab_connection final : public websocket::connection {
 public:
  explicit lab_connection(std::shared_ptr<socket_end> end) : end_(std::move(end)) {}
  ~lab_connection() override { end_->abort(); }

  executor get_executor() const override { return end_->get_executor(); }
  void abort() override { end_->abort(); }
  clock::time_point last_heard() const override { return end_->heard(); }
  const websocket::close_reason& reason() const override { return end_->reason(); }

 private:
  void start_read(asio::any_completion_handler<void(error_code, websocket::message)> h) override {
    end_->read(deliver<websocket::message>(std::move(h)));
  }
  void start_write(std::string_view data, bool text,
                   asio::any_completion_handler<void(error_code)> h) override {
    end_->write(data, text, deliver(std::move(h)));
  }
  void start_ping(asio::any_completion_handler<void(error_code)> h) override {
    end_->ping(deliver(std::move(h)));
  }
  void start_close(websocket::close_code code, std::string reason,
                   asio::any_completion_handler<void(error_code)> h) override {
    end_->close(code, std::move(reason), deliver(std::move(h)));
  }

  template <class... Args>
  websocket::delivery<Args...> deliver(asio::any_completion_handler<void(error_code, Args...)> h) {
    websocket::delivery<Args...> out(end_->get_executor(), std::move(h));
    out.on_cancel([weak = std::weak_ptr(end_)] {
      if (auto alive = weak.lock()) alive->abort();
    });
    return out;
  }

  std::shared_ptr<socket_end> end_;
};

}  // namespace

asio::execution_context::id socket_service::id;

std::uint64_t socket_service::owe(std::function<void()> drop) {
  debts_.emplace(next_, std::move(drop));
  return next_++;
}

void socket_service::shutdown() {
  for (auto& [number, drop] : std::exchange(debts_, {})) drop();
}

void socket_link::server_died(bool silent) {
  if (silent) fall_silent();
}

void socket_link::reset() {
  for (bool server : {false, true}) {
    auto& to = lane_of(!server);
    to.overtake();
    to.send(0, [self = shared_from_this(), server] {
      if (auto end = self->end_of(server))
        end->arrive({socket_frame::kind::reset, {}, {}});
      else if (!server && self->unborn)
        self->unborn();
    });
  }
}

std::shared_ptr<socket_end> socket_end::make(std::shared_ptr<socket_link> link, bool server,
                                             executor ex, websocket::connection_limits limits) {
  auto& place = server ? link->server_end : link->client_end;
  auto out = std::make_shared<socket_end>(link, server, std::move(ex), limits);
  place = out;
  auto drop = [weak = std::weak_ptr(out)] {
    if (auto alive = weak.lock()) alive->discard();
  };
  out->debt_ = socket_service::of(out->executor_).owe(std::move(drop));
  return out;
}

socket_end::socket_end(std::shared_ptr<socket_link> link, bool server, executor ex,
                       websocket::connection_limits limits)
    : link_(std::move(link)),
      server_(server),
      executor_(std::move(ex)),
      limits_(limits),
      heard_(link_->net.w.now()) {}

socket_end::~socket_end() {
  if (executor_) socket_service::of(executor_).forget(debt_);
}

void socket_end::read(websocket::delivery<websocket::message> done) {
  if (over_) return done.later(gone(), {});
  if (reading_) return done.later(make_error_code(tidewire::errc::invalid_argument), {});
  reading_.emplace(std::move(done));
  asio::post(executor_, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->pump();
  });
}

void socket_end::arrive(socket_frame f) {
  if (over_) return;
  auto kind = static_cast<std::uint64_t>(f.what);
  link_->net.w.note("net.socket", {link_->id, server_, kind, f.content.data.size()});
  // A reset overtakes what was not read.
  if (f.what == socket_frame::kind::reset) inbox_.clear();
  inbox_.push_back(std::move(f));
  pump();
}

void socket_end::pump() {
  auto self = shared_from_this();
  while (!over_ && !inbox_.empty() && (reading_ || closing_)) {
    auto f = std::move(inbox_.front());
    inbox_.pop_front();
    if (f.what != socket_frame::kind::reset) heard_ = link_->net.w.now();
    consumed_ += size_of(f);
    if (consumed_ >= acknowledged_bytes) {
      link_->lane_of(server_).send(
          0, [link = link_, server = server_, bytes = std::exchange(consumed_, 0)] {
            if (auto peer = link->end_of(!server)) peer->acknowledge(bytes);
          });
    }
    take(std::move(f));
  }
}

// What a frame does when its turn comes.
void socket_end::take(socket_frame f) {
  switch (f.what) {
    case socket_frame::kind::reset:
      return finish(gone(), make_error_code(errc::connection_lost));
    case socket_frame::kind::ping:
      if (!closing_) transmit({socket_frame::kind::pong, {}, {}});
      return;
    case socket_frame::kind::pong:
      return;
    case socket_frame::kind::close:
      peer_closed_ = true;
      reason_ = f.reason;
      if (!closing_) transmit({socket_frame::kind::close, {}, {f.reason.code, {}}});
      return finish(make_error_code(errc::closed), error_code());
    case socket_frame::kind::message:
      break;
  }
  if (closing_) return;  // nobody reads it any more
  if (f.content.data.size() > limits_.message_bytes) {
    transmit({socket_frame::kind::close, {}, {websocket::close_code::message_too_big, {}}});
    return finish(make_error_code(errc::message_too_big), error_code());
  }
  auto done = std::move(*reading_);
  reading_.reset();
  done.now({}, std::move(f.content));
}

void socket_end::write(std::string_view data, bool text, websocket::delivery<> done) {
  if (over_ || closing_) return done.later(gone());
  socket_frame f{socket_frame::kind::message, {std::string(data), text}, {}};
  if (!outbox_.empty() || in_flight_ >= websocket_client::window_bytes) {
    if (outbox_.size() >= max_waiting_writes)
      return done.later(make_error_code(tidewire::errc::limit_exceeded));
    outbox_.push_back({std::move(f), std::move(done)});
    return;
  }
  transmit(std::move(f));
  done.later({});
}

void socket_end::ping(websocket::delivery<> done) {
  if (over_ || closing_) return done.later(gone());
  transmit({socket_frame::kind::ping, {}, {}});
  done.later({});
}

void socket_end::transmit(socket_frame f) {
  auto& net = link_->net;
  in_flight_ += size_of(f);
  if (net.draw(link_->faults, network_fault::socket_reset)) return link_->reset();
  if (net.draw(link_->faults, network_fault::socket_half_open)) return link_->fall_silent();
  auto most = link_->faults.max_stall.count();
  auto late = net.draw(link_->faults, network_fault::socket_stall, 1, most);
  if (server_ && link_->server_mute) return;
  auto arrive = [link = link_, server = server_, f] {
    if (auto peer = link->end_of(!server)) peer->arrive(f);
  };
  link_->lane_of(server_).send(size_of(f), std::move(arrive), clock::duration(late.value_or(0)));
}

void socket_end::acknowledge(std::size_t bytes) {
  in_flight_ -= std::min(in_flight_, bytes);
  while (!over_ && !outbox_.empty() && in_flight_ < websocket_client::window_bytes) {
    auto next = std::move(outbox_.front());
    outbox_.pop_front();
    transmit(std::move(next.frame));
    next.done.later({});
  }
}

void socket_end::close(websocket::close_code code, std::string reason, websocket::delivery<> done) {
  if (over_) return done.later({});
  closers_.push_back(std::move(done));
  if (std::exchange(closing_, true)) return;
  for (auto& w : std::exchange(outbox_, {})) w.done.later(make_error_code(errc::closed));
  websocket::cut_reason(reason);
  if (code == websocket::close_code::none) code = websocket::close_code::normal;
  transmit({socket_frame::kind::close, {}, {code, std::move(reason)}});
  deadline_ = link_->net.w.after(limits_.close_timeout, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->on_deadline();
  });
  asio::post(executor_, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->pump();
  });
}

void socket_end::on_deadline() {
  if (over_) return;
  auto link = link_;
  finish(make_error_code(errc::closed), make_error_code(tidewire::errc::timed_out));
  link->reset();
}

error_code socket_end::gone() const {
  if (aborted_) return asio::error::operation_aborted;
  return make_error_code(closing_ || peer_closed_ ? errc::closed : errc::connection_lost);
}

void socket_end::finish(error_code reader, error_code closer) {
  if (std::exchange(over_, true)) return;
  auto self = shared_from_this();
  link_->net.w.cancel(std::exchange(deadline_, {}));
  inbox_.clear();
  auto reading = std::move(reading_);
  reading_.reset();
  auto writes = std::exchange(outbox_, {});
  auto closers = std::exchange(closers_, {});
  if (reading) reading->later(reader, {});
  for (auto& w : writes) w.done.later(gone());
  for (auto& done : closers) done.later(closer);
}

void socket_end::abort() {
  if (over_) return;
  aborted_ = true;
  auto link = link_;
  finish(asio::error::operation_aborted, asio::error::operation_aborted);
  link->reset();
}

void socket_end::discard() {
  auto self = shared_from_this();
  auto link = link_;
  bool was_over = std::exchange(over_, true);
  link->net.w.cancel(std::exchange(deadline_, {}));
  // What they own may come back here on its way out.
  auto reading = std::move(reading_);
  reading_.reset();
  auto writes = std::exchange(outbox_, {});
  auto closers = std::exchange(closers_, {});
  executor_ = executor();
  if (!was_over) link->reset();
}

std::unique_ptr<websocket::connection> make_connection(std::shared_ptr<socket_end> end) {
  return std::make_unique<lab_connection>(std::move(end));
}

}  // namespace tidewire::lab::detail
