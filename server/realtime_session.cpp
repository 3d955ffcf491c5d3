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
      rate_(hub_->options.publish_per_second, hub_->options.publish_burst, clock_.now()),
      heard_(clock_.now()) {}

void realtime_session::begin_session() {
  std::function<void()> woken = [weak = weak_from_this()] {
    auto alive = weak.lock();
    if (!alive) return;
    if (alive->hub_->draining()) alive->drain();
    alive->wake_writer();
  };
  place_ = std::make_shared<subscriber>(hub_, socket_->get_executor(), std::move(woken));
  hub_->ctx.metrics->count("tidewire_realtime_connections_total", 1);
  watch(hub_->options.hello_deadline);
  hub_->watch_drain(place_);
  if (hub_->draining()) drain();
}

// The reader. Its frame is what an idle connection keeps, so the rest has frames of its own.
asio::awaitable<void> realtime_session::run(std::shared_ptr<realtime_session> self) {
  // A cancel is an end like others: the writer must be waited for.
  co_await asio::this_coro::throw_if_cancelled(false);
  self->begin_session();
  if (self->peer_.lesson) {
    auto joining = self->join_chat();
    co_await std::move(joining);
  }
  while (true) {
    while (!self->may_read_on() && !self->over_) {
      auto waiting = self->wait();
      co_await std::move(waiting);
    }
    if (self->over_) break;
    auto [ec, message] = co_await self->socket_->async_read(quietly);
    if (ec) break;
    if (self->farewell_) continue;  // we said bye; only the answer to our close is awaited
    if (!message.text) {
      self->end(close_code::unsupported_data, "binary");
      continue;
    }
    auto handling = self->handle(message.data);
    bool good = co_await std::move(handling);
    if (!good && !self->farewell_) self->end(close_code::policy_violation, "unexpected");
  }
  auto ending = self->end_session();
  co_await std::move(ending);
}

asio::awaitable<void> realtime_session::end_session() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  over_ = true;
  hub_->unsubscribe(*place_);
  if (!farewell_) socket_->abort();  // else our close has a time-out of its own
  while (writing_) {
    auto waiting = wait();
    co_await std::move(waiting);
  }
  watch_.cancel();
  socket_->abort();
}

// The reader sleeps until wake_reader().
asio::awaitable<void> realtime_session::wait() {
  if (!reader_wake_) reader_wake_ = std::make_unique<timer>(socket_->get_executor());
  reader_wake_->expires_at(clock::time_point::max());
  auto [ignored] = co_await reader_wake_->async_wait(quietly);
  (void)ignored;
}

void realtime_session::wake_reader() {
  if (reader_wake_) reader_wake_->cancel();
}

// ---- writing

// The writer is there while there is something to write: an idle connection has none.
void realtime_session::wake_writer() {
  awake_ = true;
  if (over_ || std::exchange(writing_, true)) return;
  asio::co_spawn(socket_->get_executor(), write_frames(shared_from_this()), asio::detached);
}

asio::awaitable<void> realtime_session::write_frames(std::shared_ptr<realtime_session> self) {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool good = true;
  while (good && self->awake_ && !self->over_ && !self->farewell_) {
    self->awake_ = false;
    auto writing = self->write_some();
    good = co_await std::move(writing);
  }
  if (good && self->farewell_ && !self->over_) {
    auto leaving = self->say_farewell();
    co_await std::move(leaving);
    good = false;
  }
  if (!good) {
    // Whatever the reader waits for comes to an end.
    self->socket_->abort();
    self->over_ = true;
  }
  self->writing_ = false;
  self->wake_reader();
}

// All answers, then a piece of the log.
asio::awaitable<bool> realtime_session::write_some() {
  while (!control_.empty()) {
    auto text = std::move(control_.front());
    control_.pop_front();
    auto writing = write(text);
    bool good = co_await std::move(writing);
    if (!good) co_return false;
    if (may_read_on()) wake_reader();
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
    wake_writer();
  }
  watch(o.ping);
}

void realtime_session::end(close_code code, std::string why,
                           std::optional<std::chrono::milliseconds> retry) {
  if (farewell_) return;
  farewell last{code, {std::move(why), retry}};
  farewell_ = std::make_unique<const farewell>(std::move(last));
  wake_writer();
  wake_reader();
}

void realtime_session::drop(std::string_view reason) {
  hub_->ctx.metrics->count("tidewire_realtime_closed_total", 1, "reason=" + std::string(reason));
  over_ = true;
  socket_->abort();
  wake_reader();
}

void realtime_session::drain() {
  end(close_code::service_restart, "drain", hub_->drain_delay());
}

}  // namespace tidewire::server
