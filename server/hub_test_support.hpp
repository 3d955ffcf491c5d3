#pragma once

#include <tidewire/core/error.hpp>
#include <tidewire/lab/fault_plan.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/lab/websocket_client.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/realtime/frame.hpp>
#include <tidewire/server/message_hub.hpp>
#include <tidewire/server/router.hpp>
#include <tidewire/store_sqlite/error.hpp>
#include <tidewire/websocket/error.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::server::test {

// A store that outlives the hubs that use it, as a file does, and fails when it is told to.
class lasting_store final : public message_store {
 public:
  struct faults {
    unsigned before_commit = 0, after_commit = 0, reads = 0, states = 0;  // so many calls
    // What a hub wants to be told of others' messages.
    message_store::moved_handler moved;
    unsigned read_calls = 0;
  };
  lasting_store(std::shared_ptr<message_store> real, std::shared_ptr<faults> f)
      : real_(std::move(real)), faults_(std::move(f)) {}

  result<log_state> state(const std::string& channel) override {
    if (due(faults_->states)) return make_error_code(store_sqlite::errc::io);
    return real_->state(channel);
  }
  result<log_page> read(const std::string& channel, std::uint64_t since, std::size_t limit,
                        std::size_t bytes) override {
    ++faults_->read_calls;
    if (due(faults_->reads)) return make_error_code(store_sqlite::errc::io);
    return real_->read(channel, since, limit, bytes);
  }
  result<std::vector<append_outcome>> append(std::span<const new_message> all,
                                             message_time now) override {
    if (due(faults_->before_commit)) return make_error_code(store_sqlite::errc::full);
    auto done = real_->append(all, now);
    if (due(faults_->after_commit)) return make_error_code(store_sqlite::errc::io);
    for (std::size_t i = 0; done && i < all.size(); ++i)
      (*done)[i].epoch = real_->state(all[i].channel)->epoch;
    return done;
  }
  result<std::optional<std::uint64_t>> find(const std::string& c, const std::string& id) override {
    return real_->find(c, id);
  }
  result<trimming> trim(message_time now) override { return real_->trim(now); }
  result<log_state> reset(const std::string& channel) override { return real_->reset(channel); }
  void watch(moved_handler moved) override { faults_->moved = std::move(moved); }

 private:
  static bool due(unsigned& n) { return n > 0 && n-- > 0; }
  std::shared_ptr<message_store> real_;
  std::shared_ptr<faults> faults_;
};

// The other end of a WebSocket: writes down what comes, sends what it is told.
class peer : public std::enable_shared_from_this<peer> {
 public:
  std::vector<std::string> texts;
  bool open = false, ended = false;
  error_code failure;
  unsigned status = 0;  // of a refused upgrade
  websocket::close_reason closed;
  bool reading = true;  // false: what comes stays in the network

  void start(websocket::client& client, websocket::connect_request r) {
    client.async_connect(std::move(r), [self = shared_from_this()](
                                           error_code ec, std::unique_ptr<websocket::connection> c,
                                           websocket::connect_summary summary) {
      self->failure = ec;
      self->status = summary.status;
      self->socket_ = std::move(c);
      self->open = !ec;
      self->ended = bool(ec);
      if (ec) return;
      self->read();
      self->write();
    });
  }

  void send(std::string text, bool is_text = true) {
    out_.emplace_back(std::move(text), is_text);
    write();
  }
  void send(const realtime::frame& f) { send(realtime::encode_frame(f)); }
  // Reads again what was left unread.
  void resume() {
    reading = true;
    read();
  }
  void abort() { socket_->abort(); }

  template <class Frame>
  std::vector<Frame> all() const {
    std::vector<Frame> out;
    for (const auto& text : texts) {
      auto f = realtime::decode_frame(text);
      if (f && std::holds_alternative<Frame>(*f)) out.push_back(std::get<Frame>(*f));
    }
    return out;
  }
  std::vector<std::uint64_t> offsets(const std::string& channel) const {
    std::vector<std::uint64_t> out;
    for (const auto& m : all<realtime::message_frame>())
      if (m.channel == channel) out.push_back(m.offset);
    return out;
  }

 private:
  void read() {
    if (!reading || under_way_ || !open || ended) return;
    under_way_ = true;
    socket_->async_read([self = shared_from_this()](error_code ec, websocket::message m) {
      self->under_way_ = false;
      if (ec) {
        self->ended = true;
        self->failure = ec;
        if (ec == websocket::errc::closed) self->closed = self->socket_->reason();
        return;
      }
      self->texts.push_back(std::move(m.data));
      self->read();
    });
  }
  void write() {
    if (writing_ || out_.empty() || !open || ended) return;
    writing_ = true;
    auto& [text, is_text] = out_.front();
    socket_->async_write(text, is_text, [self = shared_from_this()](error_code) {
      self->writing_ = false;
      self->out_.pop_front();
      self->write();
    });
  }

  std::unique_ptr<websocket::connection> socket_;
  std::deque<std::pair<std::string, bool>> out_;
  bool under_way_ = false, writing_ = false;
};

struct answer {
  unsigned status = 0;
  http::fields headers;
  std::string body;
  bool done = false;

  std::string header(std::string_view name) const {
    auto value = headers.find(name);
    return value ? std::string(*value) : std::string();
  }
};

class text_source final : public request_body {
 public:
  explicit text_source(std::string text) : text_(std::move(text)) {}
  asio::awaitable<result<std::size_t>> read(std::span<std::byte> space) override {
    auto n = std::min(space.size(), text_.size() - read_);
    std::copy_n(reinterpret_cast<const std::byte*>(text_.data()) + read_, n, space.begin());
    read_ += n;
    co_return n;
  }

 private:
  std::string text_;
  std::size_t read_ = 0;
};

// A hub, its clients and the network between them, in virtual time.
class hub_world {
 public:
  static constexpr const char* origin = "http://hub:80";

  explicit hub_world(message_hub_options o = {}, message_retention keep = {})
      : options(std::move(o)), store(make_memory_message_store(rng(5), keep)) {
    start();
  }

  // The server's program begins, again when it ran: connections break, the store stays.
  void start() {
    auto host = network.add_host(origin);
    if (host.up()) host.crash();
    routes = std::make_unique<router>();
    context ctx(host.get_executor(), rng(++starts_));
    hub.reset();
    hub = std::make_unique<message_hub>(ctx, std::make_unique<lasting_store>(store, faults),
                                        host.get_executor(), options);
    hub->add_routes(*routes);
    auto* r = routes.get();
    host.start([r](request& req) { return r->route(req); });
  }

  std::shared_ptr<peer> connect(const std::string& path, http::fields headers = {}) {
    auto out = std::make_shared<peer>();
    auto url = http::url::parse(origin + path);
    websocket::connect_request r(*url);
    r.headers = std::move(headers);
    out->start(client, std::move(r));
    return out;
  }
  // Connects, says hello and waits for what comes at once.
  std::shared_ptr<peer> join(std::map<std::string, realtime::subscription> channels) {
    auto out = connect("/realtime/ann");
    out->send(realtime::frame(realtime::hello_frame{"c", std::move(channels), ""}));
    settle();
    return out;
  }

  // Asks without waiting.
  std::shared_ptr<answer> ask(std::string method, const std::string& target, std::string body = {},
                              http::fields headers = {}) {
    auto out = std::make_shared<answer>();
    auto question = [](router& r, std::shared_ptr<answer> into, request req,
                       std::string text) -> asio::awaitable<void> {
      text_source source(std::move(text));
      req.body = &source;
      auto answering = r.route(req);
      auto got = co_await std::move(answering);
      into->status = got.status;
      into->headers = std::move(got.headers);
      std::vector<std::byte> space(1 << 20);
      while (got.body) {
        auto n = got.body->read(space);
        if (!n || *n == 0) break;
        into->body.append(reinterpret_cast<const char*>(space.data()), *n);
      }
      into->done = true;
    };
    request req;
    req.method = std::move(method);
    auto mark = std::min(target.find('?'), target.size());
    req.target = target;
    req.path = target.substr(0, mark);
    req.query = target.substr(std::min(mark + 1, target.size()));
    req.headers = std::move(headers);
    req.peer = "127.0.0.1";
    auto host = network.add_host(origin);
    asio::co_spawn(host.get_executor(), question(*routes, out, std::move(req), std::move(body)),
                   [](const std::exception_ptr& failed) {
                     if (failed) std::rethrow_exception(failed);
                   });
    return out;
  }
  answer get(const std::string& target, http::fields headers = {}) {
    auto out = ask("GET", target, {}, std::move(headers));
    settle();
    return *out;
  }
  answer post(const std::string& target, std::string body, http::fields headers = {}) {
    auto out = ask("POST", target, std::move(body), std::move(headers));
    settle();
    return *out;
  }
  answer publish(const std::string& channel, const std::string& id, const std::string& data = "1") {
    return post("/messages", "{\"ch\":\"" + channel + "\",\"d\":" + data + "}",
                {{"Idempotency-Key", id}});
  }
  void fill(const std::string& channel, int count) {
    for (int i = 0; i < count; ++i) publish(channel, "fill" + std::to_string(++filled_));
  }

  void settle() { world.run_for(std::chrono::milliseconds(100)); }

  message_hub_options options;
  std::shared_ptr<message_store> store;
  std::shared_ptr<lasting_store::faults> faults = std::make_shared<lasting_store::faults>();
  lab::world world;
  lab::fault_plan plan{world};
  lab::network network{world, plan};
  std::unique_ptr<router> routes;
  std::unique_ptr<message_hub> hub;
  lab::process clients{world};  // goes before the network that it uses
  lab::websocket_client client{network, clients.get_executor()};

 private:
  std::uint64_t starts_ = 0;
  int filled_ = 0;
};

}  // namespace tidewire::server::test
