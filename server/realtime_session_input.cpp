// What a peer says: the hello, what he publishes, and what of it is refused.
#include "message_text.hpp"
#include "realtime_session.hpp"
#include "screening.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/json_text.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::server {
namespace {

using namespace realtime;
using websocket::close_code;

constexpr std::size_t unread_answers = 128;  // then nothing more is read from that peer
constexpr std::size_t remembered_own = 1024;
constexpr auto store_retry = std::chrono::seconds(1);
// All that a peer has under way is refused with the first: it is to come when much of it has room.
constexpr auto least_rate_wait = std::chrono::milliseconds(25);
constexpr std::string_view chat_channel = "chat";

std::chrono::milliseconds in_ms(clock::duration d) {
  return std::chrono::ceil<std::chrono::milliseconds>(d);
}

}  // namespace

asio::awaitable<void> realtime_session::join_chat() {
  greeted_ = true;
  std::map<std::string, subscription> chat;
  chat[std::string(chat_channel)];
  auto joining = join(std::move(chat));
  bool joined = co_await std::move(joining);
  if (!joined) end(close_code::try_again_later, "store", hub_->drain_delay());
}

// A peer that publishes and does not read its answers is not read either. Once we said bye reading
// goes on, or the close would never be answered.
bool realtime_session::may_read_on() const {
  if (farewell_) return true;
  return publishing_ < hub_->options.publishing && control_.size() < unread_answers;
}

asio::awaitable<bool> realtime_session::handle(const std::string& text) {
  if (peer_.lesson) co_return publish_chat(text);
  std::string detail;
  auto read = decode_frame(text, &detail);
  if (!read) {
    // Of a publish that is JSON the id is known: the one message is refused, not the connection.
    auto object = json_object_view::parse(text, {max_frame_bytes, max_payload_depth + 1});
    auto id = object ? object->find("id") : std::nullopt;
    auto type = object ? object->find("t") : std::nullopt;
    auto name = id ? json_string(*id) : std::nullopt;
    if (greeted_ && type && json_string(*type) == "pub" && name && is_name(*name)) {
      bool big = read.error() == frame_errc::payload_too_large;
      refuse(*name, big ? "too_large" : "malformed", std::nullopt);
      co_return true;
    }
    hub_->ctx.metrics->count("tidewire_realtime_bad_frames_total", 1);
    bool json = read.error().category() == json_category();
    end(json ? close_code::invalid_payload : close_code::policy_violation, "malformed: " + detail);
    co_return true;
  }
  if (std::holds_alternative<ping_frame>(*read)) {
    send(pong_frame());
    co_return true;
  }
  if (std::holds_alternative<pong_frame>(*read)) co_return true;
  if (auto* hello = std::get_if<hello_frame>(&*read)) {
    if (greeted_) co_return false;
    auto greeting = greet(std::move(*hello));
    co_return co_await std::move(greeting);
  }
  auto* pub = std::get_if<publish_frame>(&*read);
  if (!pub || !greeted_) co_return false;
  publish(std::move(*pub));
  co_return true;
}

asio::awaitable<bool> realtime_session::greet(hello_frame hello) {
  const auto& token = hub_->options.token;
  if (!peer_.authenticated && !constant_time_equal(hello.token, token)) {
    end(close_code::policy_violation, "token");
    co_return true;
  }
  for (const auto& [channel, s] : hello.channels) {
    if (hub_->allowed(peer_.user, channel, message_hub_options::action::read)) continue;
    end(close_code::policy_violation, "forbidden");
    co_return true;
  }
  greeted_ = true;
  watch(hub_->options.ping);
  auto joining = join(std::move(hello.channels));
  bool joined = co_await std::move(joining);
  if (!joined) end(close_code::try_again_later, "store", hub_->drain_delay());
  co_return true;
}

asio::awaitable<bool> realtime_session::join(std::map<std::string, subscription> channels) {
  auto subscribing = hub_->subscribe(place_, std::move(channels));
  auto states = co_await std::move(subscribing);
  if (!states) co_return false;
  joined_ = true;
  if (!peer_.lesson)
    send(welcome_frame{std::move(*states),
                       std::chrono::duration_cast<std::chrono::milliseconds>(hub_->options.ping)});
  wake_writer();
  co_return true;
}

void realtime_session::publish(publish_frame f) {
  if (!hub_->allowed(peer_.user, f.channel, message_hub_options::action::publish))
    return refuse(f.id, "forbidden", std::nullopt);
  if (deferred_ && f.behind) return refuse(f.id, std::string(deferred_->why), deferred_->retry);
  deferred_.reset();
  auto wait = rate_.take(clock_.now());
  if (wait > clock::duration(0))
    defer(f.id, "rate", std::max<clock::duration>(wait, least_rate_wait));
  else
    publish_to_log({std::move(f.channel), std::move(f.id), peer_.user, std::move(f.data)}, {});
}

// The lesson's frames have no answers: what can't be taken is told in a frame of its own.
bool realtime_session::publish_chat(const std::string& text) {
  auto object = json_object_view::parse(text, {max_frame_bytes, max_payload_depth + 1});
  auto type = object ? object->find("type") : std::nullopt;
  auto payload = object ? object->find("payload") : std::nullopt;
  if (!type || json_string(*type) != "message" || !payload) return false;
  std::string why;
  auto chat = read_chat(*payload, peer_.user, why);
  std::string channel(chat_channel);
  if (chat && !hub_->allowed(peer_.user, channel, message_hub_options::action::publish))
    why = "forbidden";
  auto wait = rate_.take(clock_.now());
  if (why.empty() && wait > clock::duration(0)) why = "too many messages";
  if (!why.empty()) {
    refuse(chat ? chat->id : std::string(), why, std::nullopt);
    return true;
  }
  auto second = second_id(*chat);
  if (own_.size() >= remembered_own) own_.clear();
  own_.insert(chat->id);
  own_.insert(second);
  publish_to_log({channel, chat->id, chat->user, chat->data}, second);
  return true;
}

// `second` is tried when the id belongs to another message already.
void realtime_session::publish_to_log(new_message m, std::string second) {
  ++publishing_;
  auto id = m.id;
  auto again = second.empty() ? std::nullopt : std::optional(m);
  auto done = [weak = weak_from_this(), ex = socket_->get_executor(), id, second,
               again = std::move(again)](error_code ec, append_outcome outcome) mutable {
    asio::post(ex, [weak, id, second, ec, outcome, again = std::move(again)]() mutable {
      auto self = weak.lock();
      if (!self) return;
      --self->publishing_;
      if (ec == message_errc::id_reused && again) {
        again->id = second;
        return self->publish_to_log(std::move(*again), {});
      }
      self->published(id, ec, outcome);
    });
  };
  if (!order_ && !peer_.lesson) order_ = std::make_shared<error_code>();
  bool taken = hub_->publish(std::move(m), std::move(done), order_);
  if (taken) return;
  --publishing_;
  defer(id, "busy", store_retry);
}

void realtime_session::published(const std::string& id, error_code ec,
                                 const append_outcome& outcome) {
  if (may_read_on()) wake_reader();
  if (!ec) {
    if (!peer_.lesson) send(ack_frame{id, outcome.offset, outcome.duplicate});
    return;
  }
  if (ec == message_errc::id_reused) return refuse(id, "id_reused", std::nullopt);
  if (ec == message_errc::not_text) return refuse(id, "malformed", std::nullopt);
  if (ec == message_errc::too_many_channels) return refuse(id, "too_many_channels", std::nullopt);
  // The store failed: maybe not the next time.
  defer(id, "store", store_retry);
}

void realtime_session::defer(const std::string& id, std::string_view why, clock::duration retry) {
  deferred_ = deferral{why, retry};
  order_ = nullptr;  // of those to come
  refuse(id, std::string(why), retry);
}

void realtime_session::refuse(const std::string& id, std::string why,
                              std::optional<clock::duration> retry) {
  if (!peer_.lesson) {
    nack_frame nack{id, std::move(why), std::nullopt};
    if (retry) nack.retry = in_ms(*retry);
    return send(nack);
  }
  std::string text = "{\"type\":\"error\",\"payload\":{\"id\":";
  append_json_string(text, id);
  text += ",\"message\":";
  append_json_string(text, why);
  control_.push_back(text + "}}");
  wake_writer();
}

void realtime_session::send(const frame& f) {
  control_.push_back(encode_frame(f));
  wake_writer();
}

}  // namespace tidewire::server
