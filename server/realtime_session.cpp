#include "realtime_session.hpp"

#include "message_text.hpp"
#include "screening.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/json_text.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace tidewire::server {
namespace {

using namespace realtime;
using websocket::close_code;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t taken_messages = 256;
constexpr std::size_t taken_bytes = 256 * 1024;
constexpr std::size_t unread_answers = 128;  // then nothing more is read from that peer
constexpr std::size_t remembered_own = 1024;
constexpr auto store_retry = std::chrono::seconds(1);
constexpr std::string_view chat_channel = "chat";

std::chrono::milliseconds in_ms(clock::duration d) {
  return std::chrono::ceil<std::chrono::milliseconds>(d);
}

}  // namespace

realtime_session::realtime_session(std::shared_ptr<hub> h, std::unique_ptr<websocket::connection> c,
                                   session_peer who)
    : hub_(std::move(h)),
      socket_(std::move(c)),
      peer_(std::move(who)),
      clock_(socket_->get_executor()),
      watch_(socket_->get_executor()),
      writer_wake_(socket_->get_executor()),
      reader_wake_(socket_->get_executor()),
      rate_(hub_->options.publish_per_second, hub_->options.publish_burst, clock_.now()),
      heard_(clock_.now()) {}

asio::awaitable<void> realtime_session::run(std::shared_ptr<realtime_session> self) {
  // A cancel is an end like others: the writer must be waited for.
  co_await asio::this_coro::throw_if_cancelled(false);
  auto ex = self->socket_->get_executor();
  std::function<void()> woken = [weak = self->weak_from_this()] {
    auto alive = weak.lock();
    if (!alive) return;
    if (alive->hub_->draining()) alive->drain();
    alive->awake_ = true;
    alive->writer_wake_.cancel();
  };
  self->place_ = std::make_shared<subscriber>(self->hub_, ex, std::move(woken));
  self->hub_->ctx.metrics->count("tidewire_realtime_connections_total", 1);
  asio::co_spawn(ex, write_frames(self), asio::detached);
  self->watch(self->hub_->options.hello_deadline);
  self->hub_->watch_drain(self->place_);
  if (self->hub_->draining()) self->drain();
  auto reading = self->read_frames();
  co_await std::move(reading);
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  self->over_ = true;
  self->hub_->unsubscribe(*self->place_);
  self->writer_wake_.cancel();
  if (!self->farewell_) self->socket_->abort();  // else our close has a time-out of its own
  while (!self->writer_done_) {
    auto waiting = self->wait(self->reader_wake_);
    co_await std::move(waiting);
  }
  self->watch_.cancel();
  self->socket_->abort();
}

// Sleeps until somebody cancels the timer.
asio::awaitable<void> realtime_session::wait(timer& t) {
  t.expires_at(clock::time_point::max());
  auto [ignored] = co_await t.async_wait(quietly);
  (void)ignored;
}

// ---- reading

asio::awaitable<void> realtime_session::read_frames() {
  if (peer_.lesson) {
    greeted_ = true;
    std::map<std::string, subscription> chat;
    chat[std::string(chat_channel)];
    auto joining = join(std::move(chat));
    bool joined = co_await std::move(joining);
    if (!joined) end(close_code::try_again_later, "store", hub_->drain_delay());
  }
  while (true) {
    while (!may_read_on() && !over_) {
      auto waiting = wait(reader_wake_);
      co_await std::move(waiting);
    }
    if (over_) co_return;
    auto [ec, message] = co_await socket_->async_read(quietly);
    if (ec) co_return;
    if (farewell_) continue;  // we said bye; only the answer to our close is awaited
    if (!message.text) {
      end(close_code::unsupported_data, "binary");
      continue;
    }
    auto handling = handle(message.data);
    bool good = co_await std::move(handling);
    if (!good && !farewell_) end(close_code::policy_violation, "unexpected");
  }
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
    auto beginning = begin(std::move(*hello));
    co_return co_await std::move(beginning);
  }
  auto* pub = std::get_if<publish_frame>(&*read);
  if (!pub || !greeted_) co_return false;
  publish(std::move(*pub));
  co_return true;
}

asio::awaitable<bool> realtime_session::begin(hello_frame hello) {
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
  awake_ = true;
  writer_wake_.cancel();
  co_return true;
}

void realtime_session::publish(publish_frame f) {
  if (!hub_->allowed(peer_.user, f.channel, message_hub_options::action::publish))
    return refuse(f.id, "forbidden", std::nullopt);
  auto wait = rate_.take(clock_.now());
  if (wait > clock::duration(0))
    refuse(f.id, "rate", wait);
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
  hub_->publish(std::move(m), std::move(done));
}

void realtime_session::published(const std::string& id, error_code ec,
                                 const append_outcome& outcome) {
  if (may_read_on()) reader_wake_.cancel();
  if (!ec) {
    if (!peer_.lesson) send(ack_frame{id, outcome.offset, outcome.duplicate});
    return;
  }
  if (ec.category() == message_category())
    return refuse(id, ec == message_errc::id_reused ? "id_reused" : "too_many_channels",
                  std::nullopt);
  // Too much at once, or the store failed: maybe not the next time.
  refuse(id, ec == errc::limit_exceeded ? "busy" : "store", store_retry);
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
  awake_ = true;
  writer_wake_.cancel();
}

void realtime_session::send(const frame& f) {
  control_.push_back(encode_frame(f));
  awake_ = true;
  writer_wake_.cancel();
}

// ---- writing

asio::awaitable<void> realtime_session::write_frames(std::shared_ptr<realtime_session> self) {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool good = true;
  while (good && !self->over_ && !self->farewell_) {
    self->awake_ = false;
    auto writing = self->write_some();
    good = co_await std::move(writing);
    if (!good || self->awake_ || self->over_ || self->farewell_) continue;
    auto waiting = self->wait(self->writer_wake_);
    co_await std::move(waiting);
  }
  if (good && !self->over_) {
    auto leaving = self->say_farewell();
    co_await std::move(leaving);
  }
  // Whatever the reader waits for comes to an end.
  self->socket_->abort();
  self->over_ = true;
  self->writer_done_ = true;
  self->reader_wake_.cancel();
}

// All answers, then a piece of the log.
asio::awaitable<bool> realtime_session::write_some() {
  while (!control_.empty()) {
    auto text = std::move(control_.front());
    control_.pop_front();
    auto writing = write(text);
    bool good = co_await std::move(writing);
    if (!good) co_return false;
    if (may_read_on()) reader_wake_.cancel();
  }
  if (std::exchange(ping_, false)) {
    writing_since_ = clock_.now();
    auto [ec] = co_await socket_->async_ping(quietly);
    writing_since_.reset();
    if (ec) co_return false;
  }
  auto logging = write_log();
  co_return co_await std::move(logging);
}

asio::awaitable<bool> realtime_session::write(std::string_view text) {
  writing_since_ = clock_.now();
  auto [ec] = co_await socket_->async_write(text, true, quietly);
  writing_since_.reset();
  co_return !ec;
}

asio::awaitable<bool> realtime_session::write_log() {
  if (!joined_) co_return true;  // the welcome comes first
  auto taken = hub_->take(*place_, taken_messages, taken_bytes);
  if (taken.too_slow) {
    end(close_code::try_again_later, "slow", hub_->drain_delay());
    co_return true;
  }
  for (const auto& reset : taken.resets) {
    if (peer_.lesson) break;  // knows none
    auto text = encode_frame(frame(reset));
    auto writing = write(text);
    bool good = co_await std::move(writing);
    if (!good) co_return false;
  }
  if (!taken.entries.empty()) {
    awake_ = true;  // there may be more
    auto writing = write_entries(std::move(taken.entries));
    bool good = co_await std::move(writing);
    if (!good) co_return false;
  }
  if (taken.replay.empty()) co_return true;
  awake_ = true;
  auto reading = hub_->replay(place_, std::move(taken.replay));
  auto entries = co_await std::move(reading);
  if (over_) co_return false;
  if (!entries) {
    end(close_code::try_again_later, "store", hub_->drain_delay());
    co_return true;
  }
  auto writing = write_entries(std::move(*entries));
  co_return co_await std::move(writing);
}

asio::awaitable<bool> realtime_session::write_entries(std::vector<shared_entry> entries) {
  if (peer_.lesson)
    std::erase_if(entries, [this](const auto& e) { return own_.contains(e->message.id); });
  double count = 0;
  bool good = true;
  for (const auto& entry : entries) {
    std::string text;
    if (peer_.lesson) text = "{\"type\":\"message\",\"payload\":" + chat_text(entry->message) + "}";
    socket_->cork(&entry != &entries.back());
    auto writing = write(peer_.lesson ? text : entry->frame);
    good = co_await std::move(writing);
    if (!good) break;
    ++count;
  }
  if (count > 0) hub_->ctx.metrics->count("tidewire_messages_delivered_total", count);
  co_return good;
}

asio::awaitable<void> realtime_session::say_farewell() {
  // Answers that are ready go first, so that what was accepted is known to be.
  while (!control_.empty()) {
    auto text = std::move(control_.front());
    control_.pop_front();
    auto writing = write(text);
    bool good = co_await std::move(writing);
    if (!good) co_return;
  }
  hub_->ctx.metrics->count("tidewire_realtime_closed_total", 1,
                           "reason=" + farewell_->bye.why.substr(0, farewell_->bye.why.find(':')));
  if (!peer_.lesson) {
    auto text = encode_frame(frame(farewell_->bye));
    auto writing = write(text);
    bool good = co_await std::move(writing);
    if (!good) co_return;
  }
  writing_since_ = clock_.now();
  auto code = farewell_->code;
  auto why = farewell_->bye.why;
  auto [ec] = co_await socket_->async_close(code, std::move(why), quietly);
  (void)ec;
}

// ---- looking after

void realtime_session::watch(clock::duration next) {
  watch_.expires_after(next);
  watch_.async_wait([weak = weak_from_this()](error_code ec) {
    if (auto self = weak.lock(); self && !ec) self->look_after();
  });
}

// Called once in each interval of pings, so that an idle connection has one timer and no more.
void realtime_session::look_after() {
  if (over_) return;
  const auto& o = hub_->options;
  if (writing_since_ && clock_.now() - *writing_since_ >= o.write_deadline) return drop("stalled");
  if (!greeted_) {
    if (farewell_) return drop("no_close");
    end(close_code::policy_violation, "no hello");
    return watch(o.ping);
  }
  auto heard = socket_->last_heard();
  bool quiet = heard <= heard_;
  heard_ = heard;
  missed_ = quiet ? missed_ + 1 : 0;
  // The first quiet interval asks; each further one is an answer that did not come.
  if (missed_ > o.missed_pings) return drop("silent");
  if (quiet) {
    ping_ = true;
    awake_ = true;
    writer_wake_.cancel();
  }
  watch(o.ping);
}

void realtime_session::end(close_code code, std::string why,
                           std::optional<std::chrono::milliseconds> retry) {
  if (farewell_) return;
  farewell_ = farewell{code, {std::move(why), retry}};
  awake_ = true;
  writer_wake_.cancel();
  reader_wake_.cancel();
}

void realtime_session::drop(std::string_view reason) {
  hub_->ctx.metrics->count("tidewire_realtime_closed_total", 1, "reason=" + std::string(reason));
  over_ = true;
  socket_->abort();
  writer_wake_.cancel();
  reader_wake_.cancel();
}

void realtime_session::drain() {
  end(close_code::service_restart, "drain", hub_->drain_delay());
}

}  // namespace tidewire::server
