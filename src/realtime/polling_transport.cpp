#include "realtime/polling_transport.hpp"

#include <tidewire/http/error.hpp>
#include <tidewire/realtime/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::realtime {
namespace {

// Where the server holds answers back, the next message is waited for at once; this lets several
// come together on a busy channel.
constexpr auto after_change = std::chrono::milliseconds(100);

// How long an answer to a POST may take once a socket is open, which could send it again.
constexpr auto hand_over = std::chrono::seconds(2);

poll_pace pace_of(const connection_options& o) {
  poll_pace pace;
  pace.interval = o.poll_interval;
  pace.max_interval = o.max_poll_interval;
  pace.max_consecutive_errors = 0;  // polling never gives up: it is what is left
  pace.adapts = adaptation::none;   // of several channels none should wait for the quietest
  pace.max_retry_after = o.max_retry_after;
  return pace;
}

error_code error_of(const http_answer& a) {
  if (a.ec) return a.ec;
  bool later = a.status == 408 || a.status == 425 || a.status == 429 || a.status >= 500;
  return later ? errc::unavailable : errc::refused;
}

// Nothing can have arrived.
bool no_connection(const http_answer& a) {
  return a.ec == http::errc::resolve_failed || a.ec == http::errc::connect_failed ||
         a.ec == http::errc::tls_failed || a.ec == http::errc::proxy_failed;
}

std::string detail_of(const http_answer& a) {
  if (a.ec) return a.detail.empty() ? a.ec.message() : a.detail;
  if (a.status == 401) return "the server answered 401: it wants other credentials";
  return "the server answered " + std::to_string(a.status);
}

}  // namespace

polling_transport::polling_transport(std::shared_ptr<transport_context> shared,
                                     transport_sink& sink)
    : shared_(std::move(shared)),
      sink_(&sink),
      clock_(shared_->exec()),
      random_(shared_->ctx.random.stream("polling")),
      publish_wait_(shared_->exec()) {
  auto& o = shared_->options;
  for (auto& channel : o.channels)
    lanes_.push_back(
        std::make_unique<lane>(channel, shared_->exec(), pace_of(o), o.long_poll.count() > 0));
}

void polling_transport::stop(bool) {
  sink_ = nullptr;
  for (auto& l : lanes_) interrupt(*l);
  publish_wait_.cancel();
  cancel_publish_.emit(asio::cancellation_type::terminal);
}

void polling_transport::set_polling(bool on, clock::duration spread) {
  polling_ = on;
  for (auto& l : lanes_) {
    l->first = clock_.now() + clock::duration(random_.between(0, spread.count()));
    if (!wanted(*l))
      interrupt(*l);
    else
      start_lane(*l);
  }
}

void polling_transport::set_publishing(bool on) {
  if (std::exchange(publishing_, on) != on && !on && posting_) {
    publish_wait_.expires_after(hand_over);
    publish_wait_.async_wait([weak = weak_from_this()](error_code ec) {
      auto self = weak.lock();
      if (!ec && self && self->posting_ && !self->publishing_)
        self->cancel_publish_.emit(asio::cancellation_type::terminal);
    });
  }
  if (on) publish();
}

void polling_transport::set_online(bool online) {
  online_ = online;
  set_polling(polling_);
  if (online) publish();
}

void polling_transport::look_after(const std::string& channel) {
  for (auto& l : lanes_) {
    if (l->name == channel && wanted(*l)) start_lane(*l);
  }
}

void polling_transport::catch_up(const std::string& channel) {
  for (auto& l : lanes_) {
    if (l->name != channel) continue;
    ++l->wishes;
    l->again = clock_.now();
    l->wait.cancel();
    if (wanted(*l)) start_lane(*l);
  }
}

// Also beside an open socket, when that has left a gap.
bool polling_transport::wanted(const lane& l) const {
  return sink_ && online_ &&
         (polling_ || l.wishes != l.granted || sink_->gate_of(l.name).missing());
}

void polling_transport::start_lane(lane& l) {
  if (std::exchange(l.running, true)) return;
  auto body = [self = shared_from_this(), &l] { return self->poll(l); };
  spawn(shared_, shared_from_this(), std::move(body));
}

void polling_transport::interrupt(lane& l) {
  l.wait.cancel();
  if (l.asking) l.cancel.emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> polling_transport::poll(lane& l) {
  co_await asio::this_coro::throw_if_cancelled(false);
  // At once, but never inside a Retry-After that is still in force.
  l.schedule.start(std::max(clock_.now(), l.first));
  l.again.reset();
  while (wanted(l)) {
    if (due(l) > clock_.now()) {
      co_await pause(l);
      continue;
    }
    l.again.reset();
    l.schedule.poll_began(clock_.now());
    co_await poll_once(l);
  }
  l.running = false;
}

clock::time_point polling_transport::due(const lane& l) {
  if (!l.again) return l.schedule.due();
  return std::max(std::min(*l.again, l.schedule.due()), l.schedule.not_before());
}

asio::awaitable<void> polling_transport::pause(lane& l) {
  auto token = asio::as_tuple(asio::use_awaitable);
  l.wait.expires_at(due(l));
  co_await l.wait.async_wait(token);
}

asio::awaitable<void> polling_transport::poll_once(lane& l) {
  if (!credentials_) co_await renew(*shared_->options.poll_url);
  if (!wanted(l)) co_return;
  bool renewed = false;
  for (;;) {
    auto& gate = sink_->gate_of(l.name);
    auto source = gate.poll();
    channel_cursor from{l.name, gate.received(), shared_->options.begin == start_at::oldest};
    auto request = request_for(l, from);
    auto wishes = l.wishes;
    auto limit = shared_->options.max_answer_bytes;
    l.asking = true;
    auto op = call(*shared_->http, std::move(request), {}, limit, l.cancel.slot());
    auto answer = co_await std::move(op);
    l.asking = false;
    if (!sink_) co_return;
    if (!answer.ec && answer.status == 401 && !std::exchange(renewed, true)) {
      if (co_await renew(*shared_->options.poll_url)) continue;
      if (!sink_) co_return;
    }
    if (!answer.ec && (answer.status == 200 || answer.status == 304)) l.granted = wishes;
    settle(l, from, source, answer);
    co_return;
  }
}

http::request polling_transport::request_for(lane& l, const channel_cursor& from) const {
  auto& o = shared_->options;
  http::request r(*o.poll_url);
  // Only where nothing else is due: a gap beside a socket must not wait.
  auto wait = polling_ ? o.long_poll : std::chrono::seconds(0);
  shared_->codec->prepare_poll(r, from, o.poll_limit, wait);
  if (credentials_ && !credentials_->empty()) r.headers.set("Authorization", *credentials_);
  r.headers.set("Accept", "application/json");
  // An ETag speaks of the whole log: with messages still to come it would hide them.
  if (!l.etag.empty() && l.etag_at == from.at) r.headers.set("If-None-Match", l.etag);
  r.limits.head += wait;
  return r;
}

void polling_transport::settle(lane& l, const channel_cursor& from, delivery_gate::source source,
                               const http_answer& answer) {
  auto now = clock_.now();
  // Ended by us, since polling is over: no failure.
  if (answer.ec == condition::cancelled && !wanted(l)) return;
  auto outcome = take(l, from, source, answer);
  auto asked = answer.ec ? std::nullopt : answer.retry_after(clock_.wall_now());
  if (outcome == poll_outcome::failed && asked) outcome = poll_outcome::deferred;
  l.schedule.settle(outcome, asked, now, random_);
  shared_->ctx.metrics->count("tidewire_realtime_polls_total", 1);
}

poll_outcome polling_transport::take(lane& l, const channel_cursor& from,
                                     delivery_gate::source source, const http_answer& answer) {
  auto trouble = [&](error_code ec, const std::string& detail) {
    sink_->on_trouble(ec, detail);
    return poll_outcome::failed;
  };
  if (answer.ec) return trouble(answer.ec, detail_of(answer));
  if (answer.status == 304) return poll_outcome::unchanged;
  if (answer.status != 200 && answer.status != 410)
    return trouble(error_of(answer), detail_of(answer));
  auto read = shared_->codec->decode_poll(from, answer.status, answer.body);
  if (!read)
    return trouble(errc::bad_answer, "the answer can't be read: " + read.error().message());
  auto& gate = sink_->gate_of(l.name);
  if (auto* r = std::get_if<reset>(&*read)) {
    gate.take_reset(source, r->to, r->reason);
    sink_->on_polled(l.name);
    return poll_outcome::changed;
  }
  auto& page = std::get<message_page>(*read);
  bool whole = !page.more;
  bool changed = !page.messages.empty();
  bool long_poll = shared_->options.long_poll.count() > 0;
  if (changed && (long_poll || !whole))
    l.again = clock_.now() + (whole ? after_change : clock::duration(0));
  gate.take_page(source, std::move(page));
  auto etag = answer.headers.find("ETag");
  l.etag = whole && etag ? std::string(*etag) : std::string();
  l.etag_at = gate.received();
  sink_->on_polled(l.name);
  return changed ? poll_outcome::changed : poll_outcome::unchanged;
}

// False: there are no other credentials than those that did not serve.
asio::awaitable<bool> polling_transport::renew(const http::url& target) {
  bool refresh = credentials_.has_value();
  auto fresh = co_await authorize(*shared_, target, refresh);
  if (!fresh) {
    if (sink_) sink_->on_trouble(fresh.error(), "no credentials");
    co_return false;
  }
  bool other = credentials_ != *fresh;
  credentials_ = std::move(*fresh);
  co_return other;
}

void polling_transport::publish() {
  if (!may_publish() || std::exchange(publish_running_, true)) return;
  auto body = [self = shared_from_this()] { return self->publish_all(); };
  spawn(shared_, shared_from_this(), std::move(body));
}

asio::awaitable<void> polling_transport::publish_all() {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (may_publish()) {
    auto* next = sink_->next_publication(generation, 1);
    if (!next) break;
    publication p = *next;  // the queue's own may end meanwhile
    auto outcome = co_await publish_one(p);
    bool answered = outcome == attempt::answered;
    if (sink_ && !answered) sink_->on_unanswered(generation, outcome == attempt::unanswered);
    if (!may_publish() || answered) continue;
    auto token = asio::as_tuple(asio::use_awaitable);
    publish_wait_.expires_after(shared_->options.reconnect.delay(publish_failures_++, random_));
    co_await publish_wait_.async_wait(token);
  }
  publish_running_ = false;
}

asio::awaitable<polling_transport::attempt> polling_transport::publish_one(const publication& p) {
  if (!credentials_) co_await renew(*shared_->options.poll_url);
  for (bool renewed = false;;) {
    if (!sink_) co_return attempt::unanswered;
    http::request request(*shared_->options.poll_url);
    request.method = "POST";
    auto body = shared_->codec->prepare_publish(request, p);
    request.headers.set("Content-Type", "application/json");
    if (credentials_ && !credentials_->empty()) request.headers.set("Authorization", *credentials_);
    auto op = call(*shared_->http, std::move(request), std::move(body),
                   shared_->options.max_answer_bytes, cancel_publish_.slot());
    posting_ = true;
    auto answer = co_await std::move(op);
    posting_ = false;
    publish_wait_.cancel();
    if (!sink_) co_return attempt::unanswered;
    if (!answer.ec && answer.status == 401 && !std::exchange(renewed, true)) {
      if (co_await renew(*shared_->options.poll_url)) continue;
      if (!sink_) co_return attempt::unanswered;
    }
    co_return settle_publication(p, answer);
  }
}

polling_transport::attempt polling_transport::settle_publication(const publication& p,
                                                                 const http_answer& answer) {
  if (!answer.ec && answer.status / 100 == 2) {
    if (auto ack = shared_->codec->decode_publish(p, answer.body)) {
      publish_failures_ = 0;
      sink_->on_acked(*ack);
      return attempt::answered;
    }
    sink_->on_trouble(errc::bad_answer, "the answer to a publication can't be read");
    return attempt::unanswered;
  }
  if (answer.ec == condition::cancelled && !may_publish()) return attempt::unanswered;
  auto ec = error_of(answer);
  sink_->on_trouble(ec, "publishing: " + detail_of(answer));
  // Who was not let in has not been heard.
  bool unheard = !answer.ec && answer.status == 401;
  if (unheard || no_connection(answer)) return attempt::unsent;
  bool busy = !answer.ec && answer.status == 409;  // the same key is being worked on
  if (answer.ec || ec == errc::unavailable || busy) {
    auto asked = answer.ec ? std::nullopt : answer.retry_after(clock_.wall_now());
    if (!asked) return attempt::unanswered;
    publish_nack later{p.id, "later", std::min(*asked, shared_->options.max_retry_after)};
    sink_->on_nacked(later);
    return attempt::answered;
  }
  sink_->on_nacked({p.id, detail_of(answer), std::nullopt});
  return attempt::answered;
}

}  // namespace tidewire::realtime
