#include "network_state.hpp"
#include "server_call.hpp"
#include "socket_link.hpp"
#include "websocket/delivery.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/http/date.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/lab/websocket_client.hpp>
#include <tidewire/server/target.hpp>
#include <tidewire/server/websocket.hpp>
#include <tidewire/websocket/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>

#include <utility>

namespace tidewire::lab {
namespace detail {
namespace {

constexpr std::size_t head_bytes = 300;  // of a request or an answer, about
constexpr std::array<unsigned, 5> refusals{401, 403, 404, 429, 503};

asio::awaitable<void> run_session(std::shared_ptr<server::websocket_upgrade> upgrade,
                                  std::unique_ptr<websocket::connection> socket) {
  auto session = std::move(upgrade->session);
  auto running = session(std::move(socket));
  co_await std::move(running);
}

// One try to open a WebSocket: connecting, the upgrade, its answer.
class attempt : public std::enable_shared_from_this<attempt> {
 public:
  using completion =
      websocket::delivery<std::unique_ptr<websocket::connection>, websocket::connect_summary>;

  attempt(std::shared_ptr<network_state> net, executor ex, std::string name,
          websocket::connect_request request, completion done)
      : owner_(std::move(net)),
        net_(*owner_),
        executor_(std::move(ex)),
        name_(std::move(name)),
        request_(std::move(request)),
        done_(std::move(done)),
        origin_(request_.target.origin()),
        faults_(net_.faults_of(origin_, name_)),
        up_(net_.make_lane(faults_, origin_, name_, direction::to_server)),
        down_(net_.make_lane(faults_, origin_, name_, direction::to_client)),
        id_(net_.next_exchange++) {}

  void begin();

  void fail(error_code ec, std::string detail) {
    summary_.detail = std::move(detail);
    finish(ec, nullptr);
  }

 private:
  void connected();
  void request_arrived();
  server::request make_request() const;
  void answered(server::response* answer);
  void refuse(const server::response& answer);
  void upgrade(std::shared_ptr<server::websocket_upgrade> wanted);
  void upgraded(std::shared_ptr<socket_link> link);
  void finish(error_code ec, std::unique_ptr<websocket::connection> socket);
  void lose(http::errc why, const char* detail);

  std::shared_ptr<network_state> owner_;
  network_state& net_;
  executor executor_;
  std::string name_;
  websocket::connect_request request_;
  completion done_;
  std::string origin_;
  link_faults faults_;
  std::shared_ptr<lane> up_, down_;
  std::uint64_t id_, incarnation_ = 0, debt_ = 0;
  host_state* host_ = nullptr;
  std::shared_ptr<server_call> call_;
  event_id deadline_;
  websocket::connect_summary summary_;
  clock::time_point asked_{};
  std::optional<std::uint64_t> log_number_;
  bool over_ = false;
};

void attempt::begin() {
  auto self = shared_from_this();
  asked_ = net_.w.now();
  debt_ = socket_service::of(executor_).owe([weak = weak_from_this()] {
    auto alive = weak.lock();
    if (!alive || std::exchange(alive->over_, true)) return;
    auto dropped = std::move(alive->done_);
    alive->net_.w.cancel(std::exchange(alive->deadline_, {}));
    alive->executor_ = executor();
  });
  deadline_ = net_.w.after(request_.limits.handshake, [self] {
    self->fail(make_error_code(errc::timed_out), "no WebSocket in time");
  });
  host_ = net_.find(origin_);
  if (!host_) {
    net_.w.after(net_.delay(faults_), [self] {
      self->fail(http::make_error_code(http::errc::resolve_failed), "no such host");
    });
    return;
  }
  bool black_hole = net_.draw(faults_, network_fault::connect_timeout).has_value();
  bool refuse = net_.draw(faults_, network_fault::refuse).has_value();
  if (black_hole) return;
  up_->send(0, [self, refuse] {
    self->incarnation_ = self->host_->incarnation;
    if (refuse || !self->host_->answer)
      self->lose(http::errc::connect_failed, "connection refused");
    else
      self->down_->send(0, [self] { self->connected(); });
  });
}

// The client learns, after the way back, that the connection is gone.
void attempt::lose(http::errc why, const char* detail) {
  down_->send(0, [self = shared_from_this(), why, detail] {
    self->fail(http::make_error_code(why), detail);
  });
}

void attempt::connected() {
  if (over_) return;
  net_.w.note("net.upgrade", {id_});
  request_record r;
  r.client = name_;
  r.origin = origin_;
  r.method = "GET";
  r.target = request_.target.target();
  r.asked = asked_;
  r.sent = net_.w.now();
  log_number_ = net_.log_request(std::move(r));
  auto self = shared_from_this();
  if (net_.draw(faults_, network_fault::reset_before_request)) {
    up_->send(0, [self] { self->lose(http::errc::send_failed, "connection reset by peer"); });
    return;
  }
  up_->send(head_bytes, [self] { self->request_arrived(); });
}

server::request attempt::make_request() const {
  server::request r;
  r.method = "GET";
  r.target = request_.target.target();
  r.headers = request_.headers;
  r.headers.set("Host",
                std::string(request_.target.host()) + ":" + std::to_string(request_.target.port()));
  r.headers.set("Upgrade", "websocket");
  r.headers.set("Connection", "Upgrade");
  r.headers.set("Sec-WebSocket-Version", "13");
  r.headers.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  r.peer = name_;
  return r;
}

void attempt::request_arrived() {
  if (incarnation_ != host_->incarnation || !host_->answer)
    return lose(http::errc::receive_failed, "connection reset by peer");
  auto request = make_request();
  auto parsed = server::parse_target(request.target);
  if (!parsed) {
    auto refusal = server::problem(400, "Bad Request");
    return answered(&refusal);
  }
  request.path = parsed->path;
  request.query = parsed->query;
  ++host_->handled;
  call_ = std::make_shared<server_call>(host_->program().get_executor(), host_->answer,
                                        std::move(request));
  call_->feed_end();
  auto call = call_;
  call->run([weak = weak_from_this()](server::response* answer) {
    if (auto self = weak.lock()) self->answered(answer);
  });
}

void attempt::answered(server::response* answer) {
  call_.reset();
  if (!answer) return lose(http::errc::receive_failed, "connection reset by peer");
  if (auto* record = log_number_ ? net_.logged(*log_number_) : nullptr) {
    record->answered = net_.w.now();
    record->status = answer->status;
  }
  if (auto lost = net_.draw(faults_, network_fault::reply_lost)) {
    if (*lost % 2) lose(http::errc::receive_failed, "connection reset by peer");
    return;
  }
  if (!answer->upgrade || answer->status != 101) return refuse(*answer);
  if (auto which = net_.draw(faults_, network_fault::socket_refused)) {
    server::response other;
    other.status = refusals[static_cast<std::size_t>(*which) % refusals.size()];
    return refuse(other);
  }
  upgrade(std::move(answer->upgrade));
}

void attempt::refuse(const server::response& answer) {
  summary_.status = answer.status;
  if (auto after = answer.headers.find("Retry-After")) {
    auto delay = http::parse_retry_after(*after, net_.w.wall_now(), std::chrono::hours(24));
    if (delay) summary_.retry_after = std::chrono::ceil<std::chrono::seconds>(*delay);
  }
  down_->send(head_bytes, [self = shared_from_this()] {
    self->fail(make_error_code(websocket::errc::refused),
               "the server answered " + std::to_string(self->summary_.status));
  });
}

void attempt::upgrade(std::shared_ptr<server::websocket_upgrade> wanted) {
  if (net_.draw(faults_, network_fault::slow)) {
    up_->limit_bandwidth(faults_.slow_bytes_per_second);
    down_->limit_bandwidth(faults_.slow_bytes_per_second);
  }
  auto link = std::make_shared<socket_link>(owner_, faults_, up_, down_, id_);
  link->server_mute = net_.draw(faults_, network_fault::socket_silent).has_value();
  link->unborn = [weak = weak_from_this()] {
    auto reset = http::make_error_code(http::errc::receive_failed);
    if (auto self = weak.lock()) self->fail(reset, "connection reset by peer");
  };
  auto ex = host_->program().get_executor();
  auto end = socket_end::make(link, true, ex, wanted->limits);
  std::erase_if(host_->sockets, [](const auto& weak) { return weak.expired(); });
  host_->sockets.push_back(link);
  // First our answer, then whatever the session says at once.
  down_->send(head_bytes, [self = shared_from_this(), link] { self->upgraded(link); });
  asio::co_spawn(ex, run_session(std::move(wanted), make_connection(std::move(end))),
                 asio::detached);
}

void attempt::upgraded(std::shared_ptr<socket_link> link) {
  if (over_) return link->reset();
  summary_.status = 101;
  auto end = socket_end::make(link, false, executor_, request_.limits);
  finish({}, make_connection(std::move(end)));
}

void attempt::finish(error_code ec, std::unique_ptr<websocket::connection> socket) {
  if (std::exchange(over_, true)) return;
  net_.w.note("net.upgraded", {id_, static_cast<std::uint64_t>(ec.value())});
  net_.w.cancel(std::exchange(deadline_, {}));
  socket_service::of(executor_).forget(debt_);
  auto done = std::move(done_);
  executor_ = executor();
  done.later(ec, std::move(socket), std::move(summary_));
}

}  // namespace
}  // namespace detail

websocket_client::websocket_client(network& net, executor ex, std::string name)
    : state_(net.state_), executor_(std::move(ex)), name_(std::move(name)) {}

void websocket_client::start(
    websocket::connect_request request,
    asio::any_completion_handler<void(error_code, std::unique_ptr<websocket::connection>,
                                      websocket::connect_summary)>
        done) {
  detail::attempt::completion delivery(executor_, std::move(done));
  auto lately = std::make_shared<std::weak_ptr<detail::attempt>>();
  delivery.on_cancel([lately] {
    if (auto alive = lately->lock()) alive->fail(asio::error::operation_aborted, "cancelled");
  });
  auto a = std::make_shared<detail::attempt>(state_, executor_, name_, std::move(request),
                                             std::move(delivery));
  *lately = a;
  asio::post(executor_, [a] { a->begin(); });
}

}  // namespace tidewire::lab
