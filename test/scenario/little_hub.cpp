#include "little_hub.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/http/error.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace tidewire::test {

using namespace realtime;

// The two ends of one socket.
struct little_hub::link {
  bool open = true, half_open = false;
  std::deque<std::string> inbox;
  asio::any_completion_handler<void(error_code, websocket::message)> reader;
  error_code end;
  websocket::close_reason reason;
  clock::time_point last_heard{};
  std::map<std::string, bool> channels;

  void wake(const executor& home) {
    if (!reader || (inbox.empty() && !end)) return;
    asio::any_completion_handler<void(error_code, websocket::message)> done;
    done.swap(reader);
    websocket::message m;
    error_code ec;
    if (inbox.empty()) {
      ec = end;
    } else {
      m.data = std::move(inbox.front());
      inbox.pop_front();
    }
    asio::post(home, [done = std::move(done), ec, m = std::move(m)]() mutable {
      std::move(done)(ec, std::move(m));
    });
  }
  void break_off(error_code why, const executor& home) {
    if (!open) return;
    open = false;
    end = why;
    wake(home);
  }
};

class little_hub::socket final : public websocket::connection {
 public:
  socket(little_hub& hub, std::shared_ptr<link> l) : hub_(hub), link_(std::move(l)) {}
  ~socket() override { abort(); }

  executor get_executor() const override { return hub_.home_; }
  void abort() override {
    link_->inbox.clear();
    link_->break_off(asio::error::operation_aborted, hub_.home_);
  }
  clock::time_point last_heard() const override { return link_->last_heard; }
  const websocket::close_reason& reason() const override { return link_->reason; }

 protected:
  void start_read(
      asio::any_completion_handler<void(error_code, websocket::message)> done) override {
    link_->reader.swap(done);
    link_->wake(hub_.home_);
  }
  void start_write(std::string_view data, bool,
                   asio::any_completion_handler<void(error_code)> done) override {
    if (link_->open && !link_->half_open)
      hub_.world_.after(hub_.latency, [&hub = hub_, l = link_, text = std::string(data)] {
        if (l->open) hub.hear(l, text);
      });
    finish(std::move(done));
  }
  void start_ping(asio::any_completion_handler<void(error_code)> done) override {
    ++hub_.pings;
    if (link_->open && !link_->half_open)
      hub_.world_.after(2 * hub_.latency, [&hub = hub_, l = link_] {
        if (l->open && !l->half_open) l->last_heard = hub.world_.now();
      });
    finish(std::move(done));
  }
  void start_close(websocket::close_code, std::string,
                   asio::any_completion_handler<void(error_code)> done) override {
    link_->break_off(websocket::errc::closed, hub_.home_);
    finish(std::move(done));
  }

 private:
  void finish(asio::any_completion_handler<void(error_code)> done) {
    error_code ec;
    if (!link_->open && link_->end != websocket::errc::closed) ec = link_->end;
    asio::post(hub_.home_, [done = std::move(done), ec]() mutable { std::move(done)(ec); });
  }

  little_hub& hub_;
  std::shared_ptr<link> link_;
};

std::uint64_t little_hub::publish(const std::string& channel, const std::string& data,
                                  std::string id) {
  auto& l = logs_[channel];
  if (id.empty()) id = "hub:" + std::to_string(++anonymous_);
  for (std::uint64_t i = 0; i < l.head(); ++i) {
    if (l.entries[i].id == id) return i + 1;
  }
  l.entries.push_back({id, data});
  for (auto& to : links_) {
    if (to->channels[channel]) send(to, message_text(channel, l.head()));
  }
  return l.head();
}

void little_hub::begin_epoch(const std::string& channel, const std::string& epoch) {
  logs_[channel] = {};
  logs_[channel].epoch = epoch;
}

void little_hub::trim(const std::string& channel, std::uint64_t oldest) {
  logs_[channel].oldest = oldest;
}

void little_hub::kill_sockets() {
  for (auto& l : links_) l->break_off(websocket::errc::connection_lost, home_);
}

void little_hub::close_sockets(unsigned code, const std::string& reason) {
  for (auto& l : links_) {
    l->reason = {static_cast<websocket::close_code>(code), reason};
    l->break_off(websocket::errc::closed, home_);
  }
}

void little_hub::half_open() {
  for (auto& l : links_) l->half_open = true;
}

void little_hub::say(const std::string& frame) {
  for (auto& l : links_) send(l, frame);
}

std::size_t little_hub::open_sockets() const {
  return static_cast<std::size_t>(
      std::count_if(links_.begin(), links_.end(), [](auto& l) { return l->open; }));
}

void little_hub::start(
    websocket::connect_request request,
    asio::any_completion_handler<void(error_code, std::unique_ptr<websocket::connection>,
                                      websocket::connect_summary)>
        done) {
  attempts.push_back(world_.now());
  auto finish = [this](auto to, error_code ec, std::unique_ptr<websocket::connection> c,
                       unsigned status) {
    websocket::connect_summary summary;
    summary.status = status;
    std::move(to)(ec, std::move(c), std::move(summary));
  };
  auto authorization = request.headers.find("Authorization").value_or("");
  bool known = token.empty() || authorization == token;
  struct pending {
    decltype(done) handler;
    bool over = false;
  };
  auto call = std::make_shared<pending>(pending{std::move(done)});
  if (auto slot = asio::get_associated_cancellation_slot(call->handler); slot.is_connected())
    slot.assign([this, call, finish](asio::cancellation_type) {
      if (std::exchange(call->over, true)) return;
      asio::post(home_, [call, finish] {
        finish(std::move(call->handler), asio::error::operation_aborted, nullptr, 0);
      });
    });
  if (answers == socket_answer::no_answer) return;
  world_.after(2 * latency, [this, call, finish, known, how = answers] {
    if (std::exchange(call->over, true)) return;
    if (how == socket_answer::refuse)
      return finish(std::move(call->handler), http::errc::connect_failed, nullptr, 0);
    if (how == socket_answer::unauthorized || !known) {
      ++refused_tokens;
      return finish(std::move(call->handler), websocket::errc::refused, nullptr, 401);
    }
    auto l = std::make_shared<link>();
    l->last_heard = world_.now();
    l->half_open = how == socket_answer::silent;
    std::erase_if(links_, [](auto& old) { return !old->open; });
    links_.push_back(l);
    most_sockets = std::max(most_sockets, open_sockets());
    finish(std::move(call->handler), {}, std::make_unique<socket>(*this, l), 101);
  });
}

void little_hub::send(const std::shared_ptr<link>& to, std::string text) {
  if (!to->open || to->half_open) return;
  world_.after(latency, [this, to, text = std::move(text)] {
    if (!to->open || to->half_open) return;
    to->last_heard = world_.now();
    to->inbox.push_back(text);
    to->wake(home_);
  });
}

void little_hub::hear(const std::shared_ptr<link>& from, const std::string& text) {
  heard.push_back(text);
  auto f = decode_frame(text);
  if (!f) return;
  if (auto* hello = std::get_if<hello_frame>(&*f)) return subscribe(from, *hello);
  auto* p = std::get_if<publish_frame>(&*f);
  if (!p) return;
  if (nack) return send(from, encode_frame(frame(nack_frame{p->id, *nack, std::nullopt})));
  auto before = logs_[p->channel].head();
  auto offset = publish(p->channel, p->data, p->id);
  if (!lose_acks) send(from, encode_frame(frame(ack_frame{p->id, offset, offset <= before})));
}

void little_hub::subscribe(const std::shared_ptr<link>& from, const hello_frame& hello) {
  welcome_frame welcome;
  std::vector<std::string> after;
  for (auto& [name, s] : hello.channels) {
    auto& l = logs_[name];
    from->channels[name] = true;
    auto since = s.since.value_or(l.head());
    bool known = !s.epoch || *s.epoch == l.epoch;
    bool there = known && since + 1 >= l.oldest && since <= l.head();
    welcome.channels[name] = {l.epoch, there, l.head()};
    if (!there) {
      since = l.oldest - 1;
      reset_frame r{name, l.epoch, since, known ? reset_reason::trimmed : reset_reason::epoch};
      after.push_back(encode_frame(frame(r)));
    }
    for (auto offset = since + 1; offset <= l.head(); ++offset)
      after.push_back(message_text(name, offset));
  }
  send(from, encode_frame(frame(welcome)));
  for (auto& text : after) send(from, text);
}

std::string little_hub::message_text(const std::string& channel, std::uint64_t offset) {
  auto& l = logs_[channel];
  auto& e = l.entries[offset - 1];
  message_frame m{channel, l.epoch, offset, e.id, "2024-01-01T00:00:00Z", "", e.data};
  return encode_frame(m);
}

server::handler little_hub::handler() {
  return [this](server::request& r) { return answer(r); };
}

asio::awaitable<server::response> little_hub::answer(server::request& r) {
  std::string body;
  std::array<std::byte, 4096> space;
  while (r.body) {
    auto n = co_await r.body->read(std::span(space));
    if (!n || *n == 0) break;
    body.append(reinterpret_cast<const char*>(space.data()), *n);
  }
  // The host's, not the world's: what waits goes when the host goes.
  auto ex = co_await asio::this_coro::executor;
  timer wait(ex);
  if (r.method == "POST") {
    wait.expires_after(post_takes);
    co_await wait.async_wait(asio::use_awaitable);
  }
  if (r.method == "GET") polls.push_back(world_.now());
  if (!token.empty() && r.headers.find("Authorization").value_or("") != token) {
    ++refused_tokens;
    co_return server::problem(401, "who are you?");
  }
  if (poll_status != 200) {
    auto refusal = server::problem(poll_status, "not now");
    if (retry_after) refusal.headers.set("Retry-After", std::to_string(*retry_after));
    co_return refusal;
  }
  if (r.method == "POST") {
    auto taken = answer_post(body, r);
    wait.expires_after(answer_takes);
    co_await wait.async_wait(asio::use_awaitable);
    co_return taken;
  }
  std::map<std::string, std::string> query;
  for (std::size_t at = 0; at < r.query.size();) {
    auto end = std::min(r.query.find('&', at), r.query.size());
    auto pair = r.query.substr(at, end - at);
    auto equals = pair.find('=');
    query[pair.substr(0, equals)] = equals == std::string::npos ? "" : pair.substr(equals + 1);
    at = end + 1;
  }
  co_return answer_get(query, r);
}

server::response little_hub::answer_get(const std::map<std::string, std::string>& query,
                                        const server::request& r) {
  auto value = [&](const std::string& name) -> std::optional<std::string> {
    auto it = query.find(name);
    return it == query.end() ? std::nullopt : std::optional(it->second);
  };
  auto name = value("ch").value_or("");
  auto& l = logs_[name];
  auto since = value("since") ? std::stoull(*value("since")) : l.head();
  auto limit = value("limit") ? std::stoull(*value("limit")) : 500;
  auto etag = "\"" + l.epoch + ":" + std::to_string(l.head()) + "\"";
  if (value("epoch").value_or(l.epoch) != l.epoch || since + 1 < l.oldest) {
    server::response gone;
    gone.status = 410;
    gone.body = server::text_body("{\"epoch\":\"" + l.epoch +
                                  "\",\"oldest\":" + std::to_string(l.oldest) + "}");
    return gone;
  }
  server::response ok;
  if (etags && r.headers.find("If-None-Match").value_or("") == etag) {
    ++not_modified;
    ok.status = 304;
    return ok;
  }
  auto next = std::min<std::uint64_t>(l.head(), since + limit);
  std::string body = "{\"epoch\":\"" + l.epoch + "\",\"next\":" + std::to_string(next) +
                     ",\"head\":" + std::to_string(l.head()) +
                     ",\"more\":" + (next < l.head() ? "true" : "false") + ",\"messages\":[";
  for (auto offset = since + 1; offset <= next; ++offset) {
    if (offset > since + 1) body += ',';
    auto& e = l.entries[offset - 1];
    body += "{\"off\":" + std::to_string(offset) + ",\"id\":";
    append_json_string(body, e.id);
    body += ",\"d\":" + e.data + "}";
  }
  ok.headers.set("ETag", etag);
  ok.body = server::text_body(body + "]}");
  return ok;
}

server::response little_hub::answer_post(const std::string& body, const server::request& r) {
  auto o = json_object_view::parse(body);
  auto channel = o ? json_string(o->find("ch").value_or("")).value_or("") : "";
  if (nack) return server::problem(422, *nack);
  auto before = logs_[channel].head();
  auto offset = publish(channel, std::string(o->find("d").value_or("null")),
                        std::string(r.headers.find("Idempotency-Key").value_or("")));
  if (lose_acks) return server::problem(503, "lost");
  server::response ok;
  ok.body = server::text_body("{\"off\":" + std::to_string(offset) +
                              ",\"dup\":" + (offset <= before ? "true" : "false") + "}");
  return ok;
}

}  // namespace tidewire::test
