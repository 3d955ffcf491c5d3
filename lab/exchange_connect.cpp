// The way to the server: connecting, sending the request, running the handler.
#include "exchange.hpp"

#include <tidewire/core/timer.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/server/target.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/errc.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::lab::detail {
namespace {

// What a kernel takes to give up on a connection when nobody sets a limit.
constexpr std::chrono::seconds system_connect_limit{130};

std::string text_of(const http::fields& fields, std::string_view name) {
  auto value = fields.find(name);
  return value ? std::string(*value) : std::string();
}

asio::awaitable<void> repeat_later(std::shared_ptr<server_call> call, clock::duration delay,
                                   std::function<void()> begun) {
  timer pause(co_await asio::this_coro::executor);
  pause.expires_after(delay);
  co_await pause.async_wait();
  auto again = call->repetition();
  if (!again) co_return;
  begun();
  again->run([](server::response*) {});
}

}  // namespace

void exchange::begin() {
  if (over_) return;
  asked_ = net_.w.now();
  auto self = shared_from_this();
  handler_->on_start(self);
  if (over_) return;
  host_ = net_.find(origin_);
  if (!host_) {
    arm(net_.delay(faults_), make_error_code(http::errc::resolve_failed), "no such host");
    return;
  }
  owner_->ask_connection(*this);
}

void exchange::connection_granted(bool reused, std::uint64_t incarnation) {
  if (over_) return;
  holds_connection_ = true;
  reused_ = reused;
  incarnation_ = incarnation;
  if (reused)
    send_request();
  else
    connect();
}

// Calls `then` when a piece sent to the server arrives there, in the order of sending.
void exchange::travel_up(clock::duration delay, std::function<void()> then) {
  up_last_ = std::max(up_last_, net_.w.now() + delay);
  auto self = shared_from_this();
  auto arrive = std::make_shared<std::function<void()>>();
  std::weak_ptr weak = arrive;
  *arrive = [self, then = std::move(then), weak] {
    if (self->over_) return;
    auto& net = self->net_;
    auto when = net.passes(self->origin_, self->owner_->options.name, direction::to_server);
    if (when > net.w.now()) {
      auto again = [hold = weak.lock()] { (*hold)(); };
      if (when == clock::time_point::max())
        net.parked.push_back(std::move(again));
      else
        net.w.at(when, std::move(again));
      return;
    }
    ++net.events;
    net.w.note("net.up", {self->id_});
    then();
  };
  net_.w.at(up_last_, [arrive] { (*arrive)(); });
}

void exchange::connect() {
  reused_ = false;
  up_last_ = down_last_ = {};
  auto limit = req_.limits.connect.count() > 0 ? req_.limits.connect : system_connect_limit;
  arm(limit, make_error_code(http::errc::connect_failed), "connection timed out");
  bool black_hole = net_.draw(faults_, network_fault::connect_timeout).has_value();
  bool refuse = net_.draw(faults_, network_fault::refuse).has_value();
  if (black_hole) return;
  travel_up(net_.delay(faults_), [this, refuse] {
    incarnation_ = host_->incarnation;
    push(refuse || !host_->answer ? arriving::reset : arriving::connected, {});
  });
}

void exchange::connected() {
  summary_.reused_connection = false;
  send_request();
}

void exchange::send_request() {
  summary_.reused_connection = reused_;
  net_.w.note("net.request", {id_, reused_});
  if (!log_number_) {
    request_record r;
    r.client = owner_->options.name;
    r.origin = origin_;
    r.method = req_.method;
    r.target = req_.target.target();
    r.range = text_of(req_.headers, "Range");
    r.asked = asked_;
    r.sent = net_.w.now();
    log_number_ = net_.log_request(std::move(r));
  }
  arm(req_.limits.head, make_error_code(http::errc::head_timeout), "no answer in time");
  host_->exchanges[id_] = weak_from_this();
  if (reused_) {
    bool stale = net_.draw(faults_, network_fault::stale_reset).has_value();
    if (stale || incarnation_ != host_->incarnation) {
      travel_up(net_.delay(faults_), [this] { push(arriving::stale, {}); });
      return;
    }
  }
  auto early = net_.draw(faults_, network_fault::reset_before_request);
  auto within = net_.draw(faults_, network_fault::reset_during_request);
  if (early || (within && !req_.body)) {
    travel_up(net_.delay(faults_), [this] { push(arriving::send_reset, {}); });
    return;
  }
  if (within) {
    auto share = static_cast<std::uint64_t>(*within);
    break_request_at_ =
        req_.content_length ? *req_.content_length * share / 1'000'000 : share % 65'536;
  }
  travel_up(net_.delay(faults_), [this] { request_arrived(); });
  pump_request();
}

server::request exchange::make_server_request() {
  server::request r;
  r.method = req_.method;
  r.target = req_.target.target();
  r.headers = req_.headers;
  r.headers.set("Host", std::string(req_.target.host()) + ":" + std::to_string(req_.target.port()));
  if (req_.content_length)
    r.headers.set("Content-Length", std::to_string(*req_.content_length));
  else if (req_.body)
    r.headers.set("Transfer-Encoding", "chunked");
  if (net_.draw(faults_, network_fault::lie_range_ignored)) {
    r.headers.erase("Range");
    r.headers.erase("If-Range");
  }
  r.peer = owner_->options.name;
  return r;
}

void exchange::request_arrived() {
  if (incarnation_ != host_->incarnation || !host_->answer) {
    push(arriving::reset, {});
    return;
  }
  auto request = make_server_request();
  auto parsed = server::parse_target(request.target);
  if (!parsed) {
    server::response refusal = server::problem(400, "Bad Request");
    answered(&refusal);
    return;
  }
  request.path = parsed->path;
  request.query = parsed->query;
  ++host_->handled;
  auto ex = host_->program().get_executor();
  call_ = std::make_shared<server_call>(ex, host_->answer, std::move(request));
  std::weak_ptr weak = weak_from_this();
  call_->on_read = [weak] {
    auto self = weak.lock();
    if (self && !self->over_) self->on_client(&exchange::pump_request);
  };
  if (!req_.body) call_->feed_end();
  auto call = call_;  // run() may answer at once, and the exchange be over
  call->run([weak](server::response* answer) {
    if (auto self = weak.lock(); self && !self->over_) self->answered(answer);
  });
  if (!over_ && body_may_repeat() && net_.draw(faults_, network_fault::duplicate)) repeat_request();
}

bool exchange::body_may_repeat() {
  if (faults_.duplicate_any_method) return true;
  for (auto m : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
    if (req_.method == m) return true;
  return false;
}

// The second delivery comes a little later, and its answer goes nowhere. It waits on the host's
// process, so that it dies with the program.
void exchange::repeat_request() {
  auto begun = [h = host_] { ++h->handled; };
  asio::co_spawn(host_->program().get_executor(), repeat_later(call_, net_.delay(faults_), begun),
                 asio::detached);
}

void exchange::pump_request() {
  while (!over_ && req_.body && !body_ended_ && !body_paused_ &&
         up_flying_ + (call_ ? call_->buffered() : 0) < server_call::window_bytes) {
    std::vector<std::byte> bytes(net_.slice(faults_));
    auto got = req_.body->read(bytes);
    if (over_) return;
    if (!got && got.error() == boost::system::errc::resource_unavailable_try_again) {
      body_paused_ = true;
      return;
    }
    bool wrong_length =
        got && req_.content_length &&
        (*got == 0 ? body_sent_ < *req_.content_length : body_sent_ + *got > *req_.content_length);
    if (!got || wrong_length) {
      fail(make_error_code(http::errc::body_source_failed),
           wrong_length ? "the body has another length than announced" : got.error().message());
      return;
    }
    bytes.resize(*got);
    send_request_bytes(std::move(bytes));
  }
}

void exchange::send_request_bytes(std::vector<std::byte> bytes) {
  auto n = bytes.size();
  if (break_request_at_ && (n == 0 || body_sent_ + n > *break_request_at_)) {
    bytes.resize(n == 0 ? 0 : static_cast<std::size_t>(*break_request_at_ - body_sent_));
    body_ended_ = true;
    travel_up(net_.delay(faults_), [this, cut = std::move(bytes)] {
      if (call_) {
        call_->feed(cut);
        call_->break_off();
      }
      push(arriving::send_reset, {});
    });
    return;
  }
  body_sent_ += n;
  body_ended_ = n == 0;
  up_flying_ += n;
  auto free = std::max(up_free_, net_.w.now());
  if (faults_.bytes_per_second > 0)
    free += std::chrono::nanoseconds(n * 1'000'000'000 / faults_.bytes_per_second);
  up_free_ = free;
  travel_up(free - net_.w.now() + net_.delay(faults_), [this, piece = std::move(bytes)] {
    up_flying_ -= piece.size();
    if (!call_) return;
    if (piece.empty())
      call_->feed_end();
    else
      call_->feed(piece);
  });
}

void exchange::answered(server::response* answer) {
  if (!answer) {
    push(arriving::reset, {});
    return;
  }
  if (auto lost = net_.draw(faults_, network_fault::reply_lost)) {
    if (*lost % 2) push(arriving::reset, {});
    return;
  }
  auto r = make_reply(std::move(*answer), req_.method == "HEAD");
  for (auto i = static_cast<std::size_t>(network_fault::lie_range_start); i < network_fault_count;
       ++i) {
    auto lie = static_cast<network_fault>(i);
    if (lie == network_fault::lie_range_ignored) continue;  // told when the request came
    auto high = lie == network_fault::lie_retry_later ? faults_.max_retry_after.count() : 999'999;
    if (auto parameter = net_.draw(faults_, lie, 1, high))
      tell_lie(lie, *parameter, req_.target, r);
  }
  start_response(std::move(r));
}

}  // namespace tidewire::lab::detail
