#include "realtime/connection_core.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::realtime {
namespace {

// Within what time the first poll is made after a socket was lost: its server may have lost them
// all.
constexpr auto loss_spread = std::chrono::milliseconds(500);

std::string random_id(const context& ctx) {
  auto random = ctx.random.stream("client_id");
  constexpr std::string_view letters = "0123456789abcdefghijklmnopqrstuv";
  std::string id;
  for (int i = 0; i < 16; ++i) id += letters[static_cast<std::size_t>(random.between(0, 31))];
  return id;
}

fsm_options options_of(const connection_options& o, const connection_parts& parts) {
  fsm_options f;
  f.max_reconnect_attempts = o.max_reconnect_attempts;
  f.reconnect = o.reconnect;
  f.probe = o.probe;
  f.connect_timeout = o.connect_timeout;
  f.max_retry_after = o.max_retry_after;
  f.websocket = o.websocket_url && parts.sockets;
  f.polling = o.poll_url && parts.http;
  return f;
}

executor executor_of(const connection_parts& parts, const context& ctx) {
  if (parts.http) return parts.http->get_executor();
  return parts.sockets ? parts.sockets->get_executor() : ctx.exec;
}

error_code code_of(connect_outcome outcome) {
  switch (outcome) {
    case connect_outcome::unauthorized:
      return errc::refused;
    case connect_outcome::unreachable:
      return errc::unavailable;
    case connect_outcome::stopped:
      return tidewire::errc::stopped;
    case connect_outcome::connected:
      break;
  }
  return {};
}

}  // namespace

connection_core::connection_core(context ctx, connection_parts parts, connection_options options,
                                 std::unique_ptr<message_codec> codec)
    : shared_(std::make_shared<transport_context>(std::move(ctx))),
      store_(parts.store),
      client_id_(random_id(shared_->ctx)),
      clock_(executor_of(parts, shared_->ctx)),
      signals_(std::make_shared<connection_signals>()),
      fsm_(options_of(options, parts), shared_->ctx.random.stream("connection")),
      queue_(
          {options.publish_queue_messages, options.publish_queue_bytes, options.publish_in_flight}),
      wake_(executor_of(parts, shared_->ctx)) {
  shared_->ctx.exec = executor_of(parts, shared_->ctx);
  shared_->options = std::move(options);
  shared_->codec = codec ? std::move(codec) : make_wire_codec(client_id_);
  shared_->sockets = parts.sockets;
  shared_->http = parts.http;
  shared_->stops = std::make_shared<stop_gate>(shared_->exec());
  auto& o = shared_->options;
  if (o.channels.size() > connection_options::max_channels)
    o.channels.resize(connection_options::max_channels);
  gate_bounds bounds;
  bounds.messages = o.held_messages;
  for (auto& name : o.channels) {
    auto known = o.cursors.find(name);
    auto from = known == o.cursors.end() ? cursor() : known->second;
    gates_.try_emplace(name, name, from, bounds);
  }
  if (o.poll_url && parts.http)
    polling_ = std::make_shared<polling_transport>(shared_, static_cast<transport_sink&>(*this));
}

error_code connection_core::fault_of_options() const {
  auto& o = shared_->options;
  bool socket = o.websocket_url && shared_->sockets, poll = o.poll_url && shared_->http;
  if (!socket && !poll) return tidewire::errc::invalid_argument;
  return {};
}

asio::awaitable<connection_core::connect_result> connection_core::connect() {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (stopped_) co_return connect_result(tidewire::errc::stopped, mode::disconnected);
  if (auto fault = fault_of_options()) co_return connect_result(fault, mode::disconnected);
  auto me = std::make_shared<waiter<connect_result>>(shared_->exec());
  connecting_.push_back(me);
  if (!loaded_ && !std::exchange(loading_, true)) {
    auto body = [self = shared_from_this()]() -> asio::awaitable<void> {
      co_await asio::this_coro::throw_if_cancelled(false);
      auto ec = co_await self->load();
      self->loading_ = false;
      if (self->stopped_) co_return;
      self->loaded_ = !ec;
      if (!ec) {
        self->watch_connectivity();
        self->apply(self->fsm_.connect(self->clock_.now()));
      } else {
        auto all = std::exchange(self->connecting_, {});
        for (auto& w : all) w->finish({ec, mode::disconnected});
      }
    };
    spawn(shared_, shared_from_this(), std::move(body));
  } else if (loaded_) {
    apply(fsm_.connect(clock_.now()));
  }
  auto token = asio::as_tuple(asio::use_awaitable);
  if (!me->outcome) co_await me->wait.async_wait(token);
  std::erase(connecting_, me);
  if (!me->outcome) co_return connect_result(asio::error::operation_aborted, fsm_.mode());
  co_return *me->outcome;
}

asio::awaitable<error_code> connection_core::load() {
  if (!store_) co_return error_code();
  auto token = asio::as_tuple(asio::use_awaitable);
  auto [ec, found] = co_await store_->async_load(token);
  if (ec) co_return ec;
  gate_bounds bounds;
  bounds.messages = shared_->options.held_messages;
  for (auto& [name, at] : found) {
    if (auto gate = gates_.find(name); gate != gates_.end())
      gate->second = delivery_gate(name, at, bounds);
  }
  saved_ = std::move(found);
  co_return error_code();
}

void connection_core::watch_connectivity() {
  auto* network = shared_->ctx.network;
  if (!network) return;
  auto changed = [weak = weak_from_this()](const bool& online) {
    auto self = weak.lock();
    if (!self || self->stopped_) return;
    if (self->polling_) self->polling_->set_online(online);
    self->apply(self->fsm_.network(online, self->clock_.now()));
    self->look_at_socket();
  };
  // Without room for one more listener it goes on as if nobody knew.
  if (auto connection = network->changed().connect(changed))
    network_changed_ = std::move(*connection);
  changed(network->online());
}

bool connection_core::send(std::string frame) {
  bool sent = fsm_.mode() == mode::websocket && socket_ && socket_->send(std::move(frame));
  rearm();
  return sent;
}

// Keeps itself alive: a listener may destroy the connection in the middle.
void connection_core::apply(connection_fsm::actions all) {
  auto self = shared_from_this();
  for (auto& a : all) carry_out(a);
  if (polling_ && !stopped_) {
    bool by_socket = fsm_.now_in() == connection_fsm::phase::open;
    polling_->set_publishing(!by_socket || !shared_->codec->acknowledges());
  }
  rearm();
}

void connection_core::carry_out(const fsm_action& a) {
  using kind = fsm_action::kind;
  auto signals = signals_;
  switch (a.what) {
    case kind::open_socket:
      if (!stopped_) open_socket(a.generation, a.refresh);
      break;
    case kind::drop_socket:
      queue_.lost(a.generation);
      if (auto gone = std::exchange(socket_, nullptr)) gone->stop(stopped_);
      break;
    case kind::start_polling:
    case kind::stop_polling:
      if (polling_ && !stopped_) {
        bool lost = fsm_.mode() == mode::disconnected;
        polling_->set_polling(fsm_.polling(), lost ? loss_spread : clock::duration(0));
      }
      break;
    case kind::connected:
      shared_->ctx.metrics->count("tidewire_realtime_connected_total", 1,
                                  std::string("mode=") + name_of(a.mode));
      if (signals) signals->connected.emit({a.mode});
      break;
    case kind::disconnected:
      if (signals) signals->disconnected.emit({a.reason, a.intentional});
      break;
    case kind::finish_connect:
      finish_connect(a);
  }
}

void connection_core::open_socket(std::uint64_t generation, bool refresh) {
  socket_ = std::make_shared<socket_transport>(shared_, static_cast<transport_sink&>(*this),
                                               generation, refresh);
  socket_->start();
}

void connection_core::finish_connect(const fsm_action& a) {
  auto all = std::exchange(connecting_, {});
  for (auto& w : all) w->finish({code_of(a.outcome), a.mode});
}

std::vector<channel_cursor> connection_core::begin_generation(std::uint64_t generation) {
  std::vector<channel_cursor> out;
  for (auto& [name, gate] : gates_) {
    gate.begin_generation(generation);
    out.push_back({name, gate.received(), shared_->options.begin == start_at::oldest});
  }
  return out;
}

void connection_core::on_event(std::uint64_t generation, server_event event) {
  auto self = shared_from_this();
  if (auto* m = std::get_if<message>(&event)) {
    auto gate = gates_.find(m->channel);
    if (gate == gates_.end()) return;
    gate->second.take(delivery_gate::socket(generation), std::move(*m));
    deliver(gate->second);
    if (polling_ && !stopped_ && gate->second.missing()) polling_->look_after(gate->first);
  } else if (auto* r = std::get_if<reset>(&event)) {
    auto gate = gates_.find(r->channel);
    if (gate == gates_.end()) return;
    gate->second.take_reset(delivery_gate::socket(generation), r->to, r->reason);
    deliver(gate->second);
  } else if (auto* w = std::get_if<welcome>(&event)) {
    welcome_channels(generation, *w);
  } else if (auto* ack = std::get_if<publish_ack>(&event)) {
    on_acked(*ack);
  } else if (auto* nack = std::get_if<publish_nack>(&event)) {
    on_nacked(*nack);
  }
  look_at_socket();
}

void connection_core::welcome_channels(std::uint64_t generation, const welcome& w) {
  if (!socket_ || socket_->generation() != generation || !fsm_.connecting()) return;
  for (auto& c : w.channels) {
    auto gate = gates_.find(c.name);
    if (gate == gates_.end() || !c.recovered) continue;
    auto at = c.at;
    if (shared_->options.begin == start_at::oldest) at.offset = 0;
    gate->second.take_start(delivery_gate::socket(generation), at);
  }
  cursors_moved();
  socket_->welcomed(w.ping);
  apply(fsm_.welcomed(generation, clock_.now()));
  if (!shared_->codec->has_offsets()) catch_up();
}

// A socket without offsets brings what comes; what came before it only a poll does.
void connection_core::catch_up() {
  if (!polling_ || stopped_) return;
  for (auto& [name, gate] : gates_) {
    bool wanted = shared_->options.begin == start_at::oldest || !gate.received().id.empty();
    if (wanted) polling_->catch_up(name);
  }
}

void connection_core::on_lost(std::uint64_t generation, socket_failure failure) {
  auto self = shared_from_this();
  queue_.lost(generation);
  if (socket_ && socket_->generation() == generation) socket_.reset();
  bool opening = fsm_.connecting();
  auto reason = failure.reason;
  apply(fsm_.failed(generation, std::move(failure), clock_.now()));
  if (opening) on_trouble(errc::unavailable, "WebSocket: " + reason);
}

delivery_gate& connection_core::gate_of(const std::string& channel) {
  return gates_.at(channel);
}

void connection_core::on_polled(const std::string& channel) {
  auto self = shared_from_this();
  deliver(gates_.at(channel));
}

void connection_core::on_trouble(error_code ec, const std::string& detail) {
  shared_->ctx.metrics->count("tidewire_realtime_errors_total", 1);
  if (auto signals = signals_) signals->errors.emit({ec, detail});
}

// One by one: the cursor moves when the listeners have returned (law R5).
void connection_core::deliver(delivery_gate& gate) {
  while (!gate.empty()) {
    auto signals = signals_;
    if (!signals || stopped_) return;
    if (auto* r = std::get_if<reset>(&gate.front())) {
      shared_->ctx.metrics->count("tidewire_realtime_resets_total", 1);
      signals->resets.emit(*r);
    } else {
      ++delivered_;
      shared_->ctx.metrics->count("tidewire_realtime_messages_total", 1);
      signals->messages.emit(std::get<message>(gate.front()));
    }
    gate.pop();
  }
  cursors_moved();
}

connection_status connection_core::status() const {
  connection_status s;
  s.mode = fsm_.mode();
  s.reconnect_attempts = fsm_.reconnect_attempts();
  s.connecting = fsm_.connecting();
  s.polling = fsm_.polling();
  s.unanswered_publications = queue_.size();
  s.delivered = delivered_;
  for (auto& [name, gate] : gates_) {
    s.duplicates_dropped += gate.duplicates();
    s.resets += gate.resets();
  }
  return s;
}

cursor connection_core::cursor_of(const std::string& channel) const {
  auto gate = gates_.find(channel);
  return gate == gates_.end() ? cursor() : gate->second.delivered();
}

void connection_core::stop(bool gracefully) {
  if (std::exchange(stopped_, true)) return;
  auto self = shared_from_this();
  network_changed_.disconnect();
  apply(fsm_.stop());
  if (polling_) polling_->stop(gracefully);
  auto waiting = std::exchange(connecting_, {});
  for (auto& w : waiting) w->finish({tidewire::errc::stopped, mode::disconnected});
  for (auto& r : queue_.stop("stopped")) settle(std::move(r));
  make_room();
  wake_.cancel();
  armed_.reset();
  if (gracefully && store_ && loaded_) {
    save_at_ = clock_.now();
    save_if_due();
  }
}

void connection_core::abandon() {
  signals_.reset();
  stop(false);
}

}  // namespace tidewire::realtime
