// The parts of a connection that time drives: publications, the heartbeat, saving cursors.
#include "realtime/connection_core.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::realtime {
namespace {

error_code code_of(const publish_receipt& r, bool stopped) {
  if (r.state == receipt_state::acked) return {};
  if (stopped) return tidewire::errc::stopped;
  return r.state == receipt_state::rejected ? errc::rejected : errc::unconfirmed;
}

connection_core::publish_result refused(std::string id, error_code ec, std::string reason) {
  publish_receipt r;
  r.id = std::move(id);
  r.state = receipt_state::rejected;
  r.reason = std::move(reason);
  return {ec, std::move(r)};
}

}  // namespace

asio::awaitable<connection_core::publish_result> connection_core::publish(publication p) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto token = asio::as_tuple(asio::use_awaitable);
  if (p.id.empty()) p.id = client_id_ + ":" + std::to_string(++published_);
  auto bytes = p.id.size() + p.channel.size() + p.data.size();
  // In turn: who came first is first in the queue.
  while (!stopped_ && (!room_.empty() || !queue_.has_room(bytes))) {
    auto room = std::make_shared<waiter<bool>>(shared_->exec());
    room_.push_back(room);
    co_await room->wait.async_wait(token);
    bool first = !room_.empty() && room_.front() == room;
    std::erase(room_, room);
    if (!room->outcome) co_return refused(p.id, asio::error::operation_aborted, "cancelled");
    if (first || queue_.has_room(bytes)) break;
  }
  if (stopped_) co_return refused(p.id, tidewire::errc::stopped, "stopped; it was not sent");
  auto limit = shared_->options.publish_timeout;
  auto give_up = limit.count() > 0 ? clock_.now() + limit : clock::time_point::max();
  auto id = p.id;
  if (!queue_.add(std::move(p), give_up))
    co_return refused(id, tidewire::errc::invalid_argument, "that id is being published");
  auto me = std::make_shared<waiter<publish_receipt>>(shared_->exec());
  publishing_[id] = me;
  make_room();
  if (socket_) socket_->publish();
  if (polling_) polling_->publish();
  rearm();
  if (!me->outcome) co_await me->wait.async_wait(token);
  if (me->outcome) co_return publish_result(code_of(*me->outcome, stopped_), *me->outcome);
  settle(queue_.withdraw(id, "withdrawn"));
  co_return publish_result(asio::error::operation_aborted, me->outcome.value_or(publish_receipt{}));
}

const publication* connection_core::next_publication(std::uint64_t generation,
                                                     std::size_t in_flight) {
  auto* next = queue_.next(generation, in_flight, clock_.now());
  rearm();
  return next;
}

void connection_core::on_acked(const publish_ack& ack) {
  settle(queue_.acked(ack.id, ack.offset, ack.duplicate));
}

void connection_core::on_nacked(const publish_nack& nack) {
  if (nack.retry_after) {
    auto delay =
        std::clamp(*nack.retry_after, clock::duration(0), shared_->options.max_retry_after);
    queue_.later(nack.id, clock_.now() + delay);
    rearm();
  } else {
    settle(queue_.rejected(nack.id, nack.reason));
  }
}

void connection_core::on_unanswered(std::uint64_t generation, bool sent) {
  if (sent)
    queue_.lost(generation);
  else
    queue_.unsent(generation);
  if (socket_ && !stopped_) socket_->publish();
}

void connection_core::settle(std::optional<publish_receipt> receipt) {
  if (!receipt) return;
  shared_->ctx.metrics->count("tidewire_realtime_publications_total", 1,
                              std::string("state=") + name_of(receipt->state));
  auto waiting = publishing_.find(receipt->id);
  if (waiting != publishing_.end()) {
    auto w = waiting->second;
    publishing_.erase(waiting);
    w->finish(std::move(*receipt));
  }
  make_room();
  if (socket_ && !stopped_) socket_->publish();
}

// Wakes who waits first for room; it wakes the next one.
void connection_core::make_room() {
  if (stopped_) {
    for (auto& w : room_) w->finish(true);
  } else if (!room_.empty() && queue_.has_room(0)) {
    room_.front()->finish(true);
  }
}

void connection_core::rearm() {
  if (stopped_) return;
  auto now = clock_.now();
  std::optional<clock::time_point> next;
  auto consider = [&next](std::optional<clock::time_point> when) {
    if (when && (!next || *when < *next)) next = when;
  };
  consider(fsm_.deadline());
  if (socket_) consider(socket_->deadline());
  consider(queue_.deadline(now));
  consider(save_at_);
  if (next == armed_) return;
  armed_ = next;
  if (!next) return wake_.cancel();
  wake_.expires_at(*next);
  wake_.async_wait([weak = weak_from_this()](error_code ec) {
    auto self = weak.lock();
    if (!ec && self && !self->stopped_) self->on_timer();
  });
}

void connection_core::on_timer() {
  auto self = shared_from_this();
  armed_.reset();
  apply(fsm_.timer(clock_.now()));
  if (socket_) socket_->check();
  look_at_socket();
  for (auto& r : queue_.expire(clock_.now())) settle(std::move(r));
  if (socket_ && !stopped_) socket_->publish();
  if (polling_ && !stopped_) polling_->publish();
  save_if_due();
  rearm();
}

// Once bytes have come back, polling beside the socket may end.
void connection_core::look_at_socket() {
  if (socket_ && fsm_.polling() && socket_->proved()) apply(fsm_.proved(socket_->generation()));
}

void connection_core::cursors_moved() {
  if (!store_ || save_at_ || stopped_) return;
  save_at_ = clock_.now() + shared_->options.store_interval;
  rearm();
}

void connection_core::save_if_due() {
  if (!save_at_ || saving_ || *save_at_ > clock_.now()) return;
  save_at_.reset();
  cursor_map now = saved_;
  for (auto& [name, gate] : gates_) now[name] = gate.delivered();
  if (now == saved_) return;
  saved_ = std::move(now);
  saving_ = true;
  auto body = [self = shared_from_this()] { return self->save(); };
  spawn(shared_, shared_from_this(), std::move(body));
}

asio::awaitable<void> connection_core::save() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto token = asio::as_tuple(asio::use_awaitable);
  cursor_map all = saved_;
  auto [ec] = co_await store_->async_save(std::move(all), token);
  saving_ = false;
  if (ec) {
    saved_.clear();  // what is there now is not known
    on_trouble(ec, "the cursors could not be stored");
    if (!stopped_) cursors_moved();
  }
  save_if_due();
  rearm();
}

}  // namespace tidewire::realtime
