#include "message_routes.hpp"

#include "message_answer.hpp"
#include "message_text.hpp"
#include "realtime_session.hpp"
#include "request_text.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/json_text.hpp>
#include <tidewire/server/websocket.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::server {
namespace {

using action = message_hub_options::action;

constexpr std::size_t default_page = 500, largest_page = 1000;
constexpr std::size_t page_bytes = 4 * 1024 * 1024;
constexpr std::size_t default_chat_page = 50, default_notifications = 20;
constexpr std::size_t body_bytes = realtime::max_frame_bytes;
constexpr std::size_t remembered_rates = 10'000;
constexpr std::string_view chat_channel = "chat";

// RFC-to-be's quoted form and the plain one are the same key.
std::optional<std::string> idempotency_key(const request& req) {
  auto field = req.headers.find("Idempotency-Key");
  if (!field || req.headers.count("Idempotency-Key") != 1) return std::nullopt;
  std::string_view key = *field;
  if (key.size() >= 2 && key.front() == '"' && key.back() == '"')
    key = key.substr(1, key.size() - 2);
  return std::string(key);
}

}  // namespace

void message_routes::add_to(router& routes) {
  auto self = shared_from_this();
  routes.add("GET", "/messages", [self](request& req) { return self->get(req, {}); });
  routes.add("POST", "/messages", [self](request& req) { return self->post(req); });
  routes.add("GET", "/chat/messages", [self](request& req) { return self->get_chat(req); });
  routes.add("POST", "/chat/messages", [self](request& req) { return self->post_chat(req); });
  routes.add("GET", "/users/*", [self](request& req) { return self->get_notifications(req); });
  routes.add_websocket("/realtime/*", [self](request& req) { return self->accept(req, false); });
  routes.add_websocket("/chat/*", [self](request& req) { return self->accept(req, true); });
}

// ---- polling

result<message_routes::poll> message_routes::read_poll(const query& asked, std::string channel,
                                                       std::size_t limit) const {
  poll out;
  out.channel = asked.text("ch").value_or(std::move(channel));
  out.at.epoch = asked.text("epoch");
  auto since = asked.number("since", 0);
  auto most = asked.number("limit", limit);
  auto wait = asked.number("wait", 0);
  bool bad = !since || !most || !wait || !realtime::is_name(out.channel) ||
             (out.at.epoch && !realtime::is_name(*out.at.epoch)) ||
             (out.at.epoch && !asked.text("since"));
  if (bad) return make_error_code(errc::invalid_argument);
  if (asked.text("since")) out.at.since = *since;
  out.limit = std::min<std::uint64_t>(*most, largest_page);
  out.wait = std::min<clock::duration>(std::chrono::seconds(std::min<std::uint64_t>(*wait, 3600)),
                                       hub_->options.longest_wait);
  return out;
}

asio::awaitable<response> message_routes::get(request& req, std::string channel) {
  auto asked = query::parse(req.query);
  result<poll> p = make_error_code(errc::invalid_argument);
  if (asked) p = read_poll(*asked, std::move(channel), default_page);
  if (!p)
    co_return bad_request(
        "ask for ch=CHANNEL with 1 to 128 bytes, epoch=EPOCH&since=OFFSET as the last answer had "
        "them, or neither, and optionally limit=N and wait=SECONDS");
  if (!hub_->allowed({}, p->channel, action::read))
    co_return problem(403, "Forbidden", "this channel is not for you");
  auto answering = answer_poll(req, std::move(*p));
  co_return co_await std::move(answering);
}

asio::awaitable<response> message_routes::answer_poll(const request& req, poll p) {
  auto looking = hub_->state(p.channel);
  auto log = co_await std::move(looking);
  if (!log) co_return unavailable();
  if (!p.at.since) p.at = {log->epoch, log->head};  // from now on
  if (judge_cursor(*log, p.at)) {
    // Before anybody is told that he lost something, the store itself is asked.
    auto asking = hub_->state(p.channel, true);
    log = co_await std::move(asking);
    if (!log) co_return unavailable();
  }
  if (auto gone = judge_cursor(*log, p.at)) co_return lost(*log, *gone);
  if (p.wait > clock::duration(0) && *p.at.since == log->head) {
    auto waiting = wait_for_more(p);
    co_await std::move(waiting);
  }
  auto reading = page_of(p);
  auto page = co_await std::move(reading);
  if (!page) co_return unavailable();
  if (auto gone = judge_cursor(page->log, p.at)) co_return lost(page->log, *gone);
  co_return tagged(req, page->log.epoch, next_of(*page, *p.at.since),
                   page_text(*page, *p.at.since));
}

// Who has everything is answered from memory.
asio::awaitable<result<log_page>> message_routes::page_of(const poll& p) {
  auto looking = hub_->state(p.channel);
  auto log = co_await std::move(looking);
  if (log && (log->head == *p.at.since || p.limit == 0)) {
    log_page nothing;
    nothing.log = std::move(*log);
    co_return nothing;
  }
  auto reading = hub_->read(p.channel, *p.at.since, p.limit, page_bytes);
  co_return co_await std::move(reading);
}

asio::awaitable<void> message_routes::wait_for_more(const poll& p) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_ >= hub_->options.waiting_polls) co_return;
    ++waiting_;
    tell_waiting();
  }
  struct waiter {
    explicit waiter(const executor& ex) : wake(ex) {}
    timer wake;
    bool woken = false;
  };
  auto ex = co_await asio::this_coro::executor;
  auto state = std::make_shared<waiter>(ex);
  std::function<void()> woken = [weak = std::weak_ptr(state)] {
    auto alive = weak.lock();
    if (!alive) return;
    alive->woken = true;
    alive->wake.cancel();
  };
  auto who = std::make_shared<subscriber>(hub_, ex, std::move(woken));
  auto until = clock_.now() + p.wait;
  hub_->watch_drain(who);
  std::map<std::string, realtime::subscription> one{{p.channel, p.at}};
  auto subscribing = hub_->subscribe(who, std::move(one));
  auto states = co_await std::move(subscribing);
  // What came between the look and the subscription is no reason to wait either.
  bool still = states && states->at(p.channel).head == *p.at.since && !state->woken;
  if (still && !hub_->draining()) {
    auto token = asio::as_tuple(asio::use_awaitable);
    state->wake.expires_at(until);
    auto [ignored] = co_await state->wake.async_wait(token);
    (void)ignored;
  }
  hub_->unsubscribe(*who);
  std::lock_guard lock(mutex_);
  --waiting_;
  tell_waiting();
}

void message_routes::tell_waiting() {
  hub_->ctx.metrics->gauge("tidewire_messages_waiting_polls", static_cast<double>(waiting_));
}

asio::awaitable<result<log_page>> message_routes::newest(std::string channel, std::size_t limit) {
  auto looking = hub_->state(channel);
  auto log = co_await std::move(looking);
  if (!log) co_return log.error();
  auto since = log->head - std::min<std::uint64_t>(log->head, limit);
  auto reading = hub_->read(std::move(channel), since, limit, page_bytes);
  co_return co_await std::move(reading);
}

asio::awaitable<response> message_routes::list(request& req, std::string channel, std::size_t limit,
                                               render text) {
  auto asked = query::parse(req.query);
  auto most = asked ? asked->number("limit", limit) : asked.error();
  if (!most) co_return bad_request("ask for since=ID and limit=N, or neither");
  limit = std::min<std::uint64_t>(*most, largest_page);
  std::optional<std::uint64_t> since;
  if (auto id = asked->text("since")) {
    auto finding = hub_->find(channel, *id);
    auto found = co_await std::move(finding);
    if (!found) co_return unavailable();
    since = *found;
  }
  result<log_page> page = log_page();
  if (since) {
    auto reading = hub_->read(channel, *since, limit, page_bytes);
    page = co_await std::move(reading);
  } else {
    auto reading = newest(channel, limit);
    page = co_await std::move(reading);
  }
  if (!page) co_return unavailable();
  std::string out = "[";
  for (auto m = page->messages.rbegin(); m != page->messages.rend(); ++m) {
    if (out.size() > 1) out += ',';
    out += text(*m);
  }
  co_return tagged(req, page->log.epoch, next_of(*page, since.value_or(0)), out + "]");
}

asio::awaitable<response> message_routes::get_chat(request& req) {
  auto asked = query::parse(req.query);
  std::string channel(chat_channel);
  bool ours = asked && (asked->text("epoch") || asked->text("ch"));
  if (!hub_->allowed({}, channel, action::read))
    co_return problem(403, "Forbidden", "this channel is not for you");
  if (ours) {
    auto getting = get(req, channel);
    co_return co_await std::move(getting);
  }
  render text = chat_text;
  auto listing = list(req, channel, default_chat_page, std::move(text));
  co_return co_await std::move(listing);
}

asio::awaitable<response> message_routes::get_notifications(request& req) {
  constexpr std::string_view before = "/users/", behind = "/notifications";
  std::string_view path = req.path;
  bool shaped = path.size() > before.size() + behind.size() && path.ends_with(behind);
  std::string channel = "user:";
  if (shaped) channel += path.substr(before.size(), path.size() - before.size() - behind.size());
  if (!shaped || channel.find('/') != channel.npos || !realtime::is_name(channel))
    co_return problem(404, "Not Found");
  if (!hub_->allowed({}, channel, action::read))
    co_return problem(403, "Forbidden", "these notifications are not for you");
  render text = notification_text;
  auto listing = list(req, std::move(channel), default_notifications, std::move(text));
  co_return co_await std::move(listing);
}

// ---- publishing

asio::awaitable<response> message_routes::post(request& req) {
  if (auto slow = too_fast(req)) co_return std::move(*slow);
  auto reading = read_text(req, body_bytes);
  auto body = co_await std::move(reading);
  if (!body) co_return refuse_body(body.error());
  auto object = json_object_view::parse(*body, {body_bytes, realtime::max_payload_depth + 1});
  if (!object) co_return bad_request(object.error().message());
  auto text = [&](std::string_view name) {
    auto value = object->find(name);
    return value ? json_string(*value) : std::nullopt;
  };
  new_message m;
  m.channel = text("ch").value_or("");
  auto key = idempotency_key(req);
  m.id = key.value_or(text("id").value_or(""));
  auto data = object->find("d");
  if (!realtime::is_name(m.channel) || !data)
    co_return bad_request(R"(the body must be {"ch":CHANNEL,"d":DATA})");
  if (!realtime::is_name(m.id))
    co_return bad_request("name the message by an Idempotency-Key of 1 to 128 bytes");
  if (data->size() > realtime::max_payload_bytes)
    co_return problem(413, "Content Too Large", "a message has at most 65536 bytes");
  if (!hub_->allowed({}, m.channel, action::publish))
    co_return problem(403, "Forbidden", "this channel is not for you");
  m.data = *data;
  auto appending = hub_->append(std::move(m));
  auto outcome = co_await std::move(appending);
  if (!outcome) co_return refuse_append(outcome.error());
  std::string answer = "{\"off\":" + std::to_string(outcome->offset);
  answer += outcome->duplicate ? ",\"dup\":true}" : ",\"dup\":false}";
  co_return json_answer(std::move(answer));
}

asio::awaitable<response> message_routes::post_chat(request& req) {
  if (auto slow = too_fast(req)) co_return std::move(*slow);
  auto reading = read_text(req, body_bytes);
  auto body = co_await std::move(reading);
  if (!body) co_return refuse_body(body.error());
  std::string why, channel(chat_channel);
  auto chat = read_chat(*body, {}, why);
  if (!chat) co_return bad_request(why);
  if (!hub_->allowed(chat->user, channel, action::publish))
    co_return problem(403, "Forbidden", "this channel is not for you");
  new_message m{channel, chat->id, chat->user, chat->data};
  auto appending = hub_->append(m);
  auto outcome = co_await std::move(appending);
  if (!outcome && outcome.error() == message_errc::id_reused) {
    m.id = second_id(*chat);
    if (!m.id.empty()) {
      auto again = hub_->append(std::move(m));
      outcome = co_await std::move(again);
    }
  }
  if (!outcome) co_return refuse_append(outcome.error());
  auto answer = json_answer(std::move(chat->data));
  answer.status = outcome->duplicate ? 200 : 201;
  co_return answer;
}

response message_routes::refuse_append(error_code why) {
  if (why == message_errc::id_reused)
    return problem(422, "Unprocessable Content",
                   "this key belongs to another message of the channel: use a key for one message",
                   "idempotency-key-reused");
  if (why == message_errc::not_text) return bad_request("a message is UTF-8 without NULs");
  if (why == message_errc::too_many_channels)
    return problem(507, "Insufficient Storage", "there are too many channels");
  return unavailable();
}

// At a time that is another one for each, lest all come back together.
response message_routes::unavailable() {
  return retry_later(503, "Service Unavailable", "the messages can't be reached now",
                     hub_->drain_delay());
}

std::optional<response> message_routes::too_fast(const request& req) {
  auto now = clock_.now();
  std::lock_guard lock(mutex_);
  if (rates_.size() >= remembered_rates)
    std::erase_if(rates_, [&](const auto& r) { return r.second.full(now); });
  const auto& o = hub_->options;
  auto it = rates_.try_emplace(req.peer, o.publish_per_second, o.publish_burst, now).first;
  auto wait = it->second.take(now);
  if (wait == clock::duration(0)) return std::nullopt;
  return retry_later(429, "Too Many Requests", "too many messages from this address", wait);
}

// ---- WebSockets

asio::awaitable<websocket_answer> message_routes::accept(request& req, bool lesson) {
  session_peer peer;
  peer.user = req.path.substr(req.path.find('/', 1) + 1);
  peer.lesson = lesson;
  // What was sent there was looked at before us: it is right, or it is missing.
  peer.authenticated = hub_->options.token.empty() || req.headers.count("Authorization") > 0;
  if (!realtime::is_name(peer.user) || peer.user.find('/') != peer.user.npos)
    co_return problem(404, "Not Found");
  if (lesson && !hub_->allowed(peer.user, std::string(chat_channel), action::read))
    co_return problem(403, "Forbidden", "this channel is not for you");
  if (hub_->draining())
    co_return retry_later(503, "Service Unavailable", "the server is going", hub_->drain_delay());
  auto session = std::make_shared<std::weak_ptr<realtime_session>>();
  websocket_upgrade out;
  out.limits.message_bytes = realtime::max_frame_bytes;
  out.session = [h = hub_, peer, session](std::unique_ptr<websocket::connection> socket) {
    auto made = std::make_shared<realtime_session>(h, std::move(socket), peer);
    *session = made;
    return realtime_session::run(std::move(made));
  };
  out.on_stop = [session] {
    if (auto alive = session->lock()) alive->drain();
  };
  co_return out;
}

}  // namespace tidewire::server
