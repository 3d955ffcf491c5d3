#include "chat_side.hpp"

#include <tidewire/http/curl_client.hpp>
#include <tidewire/http/url.hpp>
#include <tidewire/websocket/beast_client.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace tidewire::demo {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t shown_messages = 30;
constexpr std::size_t remembered_offsets = 1000;
constexpr std::size_t max_text_bytes = 2000;
constexpr std::size_t max_unanswered = 1000;
constexpr std::uint64_t max_burst = 1000;
// Twenty a second: a person has time to break something meanwhile.
constexpr auto burst_gap = 50ms;

http::curl_client_options http_options() {
  http::curl_client_options o;
  o.proxy = "";
  return o;
}

websocket::beast_client_options socket_options() {
  websocket::beast_client_options o;
  o.proxy = "";
  return o;
}

// The library's defaults are for people who have more patience than those who watch a demo.
realtime::connection_options patience() {
  realtime::connection_options o;
  o.begin = realtime::start_at::oldest;
  o.max_reconnect_attempts = 3;
  o.reconnect = {0s, 1s, 4s, 2};
  o.probe = {1s, 2s, 5s, 2};
  o.connect_timeout = 4s;
  o.poll_interval = 2s;
  o.max_poll_interval = 8s;
  o.ping_after = 3s;
  o.ping_timeout = 2s;
  return o;
}

const char* name_of(realtime::chat_state state) {
  switch (state) {
    case realtime::chat_state::sending:
      return "sending";
    case realtime::chat_state::confirmed:
      return "confirmed";
    case realtime::chat_state::failed:
      return "failed";
  }
  return "failed";
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

}  // namespace

chat_side::chat_side(const context& ctx, file::filesystem& disk, place where, const stopwatch& time)
    : where_(std::move(where)),
      time_(time),
      link_(ctx, where_.server_port, time),
      http_(http::make_curl_client(ctx, http_options())),
      sockets_(websocket::make_beast_client(ctx, socket_options())),
      store_(realtime::make_file_cursor_store(ctx.exec, disk, where_.cursor_file)),
      ctx_(ctx),
      next_(ctx.exec) {
  bars_.become("disconnected", time_.ms());
}

result<void> chat_side::listen() {
  if (auto listening = link_.listen(); !listening) return listening;
  realtime::chat_options options;
  options.user = where_.user;
  options.connection = patience();
  auto socket = http::url::parse(link_.socket_origin() + "/realtime/" + where_.user);
  auto poll = http::url::parse(link_.http_origin() + "/messages");
  if (!socket || !poll) return make_error_code(errc::invalid_argument);
  options.connection.websocket_url = *socket;
  options.connection.poll_url = *poll;
  realtime::connection_parts parts;
  parts.sockets = sockets_.get();
  parts.http = http_.get();
  parts.store = store_.get();
  auto ctx = ctx_;
  ctx.random = ctx_.random.stream("chat");
  chat_ = std::make_unique<realtime::chat_client>(ctx, parts, std::move(options));
  listen_to(chat_->connection());
  return {};
}

void chat_side::listen_to(realtime::realtime_connection& connection) {
  message_ = *connection.on_message().connect([this](const realtime::message& m) { took(m); });
  reset_ = *connection.on_reset().connect([this](const realtime::reset& r) {
    audit_.reset(r.to);
    marks_.add("reset", "the log is another one: " + r.reason, time_.ms());
  });
  up_ = *connection.on_connected().connect([this](const realtime::connected_event& e) {
    bool socket = e.mode == realtime::mode::websocket;
    marks_.add("connected", socket ? "data flows by WebSocket" : "data flows by polling",
               time_.ms());
    sample();
  });
  down_ = *connection.on_disconnected().connect([this](const realtime::disconnected_event& e) {
    marks_.add("lost", "lost the WebSocket: " + e.reason, time_.ms());
    sample();
  });
  error_ = *connection.on_error().connect(
      [this](const realtime::error_event& e) { last_error_ = e.detail; });
}

asio::awaitable<void> chat_side::run() {
  using asio::experimental::awaitable_operators::operator&&;
  auto link = link_.run();
  auto connecting = connect();
  auto both = std::move(link) && std::move(connecting);
  co_await std::move(both);
}

// The audit begins where the stored cursor is: what an earlier run had is not counted again.
asio::awaitable<void> chat_side::connect() {
  auto loading = store_->async_load(quietly);
  auto [unreadable, cursors] = co_await std::move(loading);
  auto known = cursors.find("chat");
  if (!unreadable && known != cursors.end()) audit_.begin(known->second);
  if (stopping_) co_return;
  auto connecting = chat_->async_connect(quietly);
  auto [ec, mode] = co_await std::move(connecting);
  (void)mode;
  if (ec && !stopping_) last_error_ = ec.message();
  sample();
}

asio::awaitable<void> chat_side::stop() {
  stopping_ = true;
  next_.cancel();
  auto stopping = chat_->async_stop(asio::use_awaitable);
  co_await std::move(stopping);
  http_->stop([] {});
  link_.stop();
}

void chat_side::took(const realtime::message& m) {
  audit_.took(m.epoch, m.offset, m.id);
  if (offsets_.emplace(m.id, m.offset).second) arrived_.push_back(m.id);
  if (arrived_.size() <= remembered_offsets) return;
  offsets_.erase(arrived_.front());
  arrived_.pop_front();
}

outcome chat_side::send(const json::object& order) {
  const auto* text = order.if_contains("text");
  if (order.size() != 1 || !text || !text->is_string() ||
      text->get_string().size() > max_text_bytes ||
      is_blank({text->get_string().data(), text->get_string().size()}))
    return refusal{422, "a message wants {\"text\": 1 to 2000 bytes, not blank}"};
  if (chat_->connection().status().unanswered_publications >= max_unanswered)
    return refusal{409,
                   where_.user + " has 1000 messages on the way; let the link carry them first"};
  chat_->send({text->get_string().data(), text->get_string().size()});
  return {};
}

outcome chat_side::burst(const json::object& order) {
  const auto* n = order.if_contains("messages");
  if (order.size() != 1 || !n || !n->is_int64() || n->get_int64() < 1 ||
      n->get_int64() > static_cast<std::int64_t>(max_burst))
    return refusal{422, "a burst wants {\"messages\": 1 to 1000}"};
  if (burst_left_ > 0)
    return refusal{409, where_.user + " is in the middle of a burst; wait for its end"};
  burst_left_ = burst_size_ = static_cast<std::uint64_t>(n->get_int64());
  send_next();
  return {};
}

void chat_side::send_next() {
  if (stopping_ || burst_left_ == 0) return;
  bool room = chat_->connection().status().unanswered_publications < max_unanswered;
  if (room) {
    --burst_left_;
    chat_->send(fmt::format("{} of {}", burst_size_ - burst_left_, burst_size_));
  }
  if (burst_left_ == 0) return;
  next_.expires_after(burst_gap);
  next_.async_wait([this](error_code ec) {
    if (!ec) send_next();
  });
}

void chat_side::sample() {
  auto status = chat_->connection().status();
  std::string_view state = realtime::name_of(status.mode);
  if (status.mode == realtime::mode::disconnected && status.polling) state = "filling";
  bars_.become(state, time_.ms());
}

void chat_side::look(const known_log& log) {
  sample();
  audit_.claims(chat_->connection().cursor_of("chat"));
  audit_.compare(log);
}

json::array chat_side::messages() const {
  json::array out;
  for (const auto& m : chat_->messages()) {
    if (out.size() == shown_messages) break;
    json::object o;
    o["id"] = m.id;
    o["user"] = m.user;
    o["text"] = m.text;
    o["state"] = name_of(m.state);
    o["problem"] = m.problem;
    auto offset = offsets_.find(m.id);
    o["offset"] = offset == offsets_.end() ? json::value() : json::value(offset->second);
    out.push_back(std::move(o));
  }
  return out;
}

json::object chat_side::state() const {
  auto& connection = chat_->connection();
  auto status = connection.status();
  auto cursor = connection.cursor_of("chat");
  json::object o;
  o["id"] = where_.id;
  o["user"] = where_.user;
  o["mode"] = realtime::name_of(status.mode);
  o["filling"] = status.mode == realtime::mode::disconnected && status.polling;
  o["connecting"] = status.connecting;
  o["attempts"] = status.reconnect_attempts;
  o["epoch"] = cursor.epoch;
  o["offset"] = cursor.offset;
  o["unanswered"] = status.unanswered_publications;
  o["dropped_duplicates"] = status.duplicates_dropped;
  o["figures"] = audit_.json();
  o["burst_left"] = burst_left_;
  o["last_error"] = last_error_;
  o["bars"] = bars_.json();
  o["marks"] = marks_.json();
  o["messages"] = messages();
  return o;
}

}  // namespace tidewire::demo
