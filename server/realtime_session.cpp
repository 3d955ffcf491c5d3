#include "realtime_session.hpp"

#include "message_text.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace tidewire::server {
namespace {

using namespace realtime;
using websocket::close_code;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t taken_messages = 256;
constexpr std::size_t taken_bytes = 256 * 1024;

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
  double count = 0;
  bool good = true;
  for (const auto& entry : entries) {
    if (peer_.lesson && own_.contains(entry->message.id)) continue;
    std::string text;
    if (peer_.lesson) text = "{\"type\":\"message\",\"payload\":" + chat_text(entry->message) + "}";
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
