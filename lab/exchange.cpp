// The way back: the response, its faults, and the end of the exchange.
#include "exchange.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/http/error.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/errc.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tidewire::lab::detail {
namespace {

std::size_t head_size(const http::response_head& head) {
  std::size_t n = 32;  // the status line and the empty one
  for (auto& f : head.headers) n += f.name.size() + f.value.size() + 4;
  return n;
}

std::optional<std::chrono::seconds> retry_after_of(const http::response_head& head) {
  auto text = head.headers.find("Retry-After");
  if (!text) return std::nullopt;
  std::int64_t seconds = 0;
  auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (ec != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

exchange::exchange(network_state& net, client_state& owner, http::request req,
                   http::exchange_handler& handler, completion done)
    : net_(net),
      owner_(&owner),
      ex_(owner.ex),
      req_(std::move(req)),
      handler_(&handler),
      done_(std::move(done)),
      id_(net.next_exchange++),
      origin_(req_.target.origin()),
      faults_(net.faults_of(origin_, owner.options.name)) {}

void exchange::on_client(void (exchange::*step)()) {
  auto ex = ex_;  // the step may end the exchange, which gives its executor up
  asio::dispatch(ex, [self = shared_from_this(), step] {
    if (!self->over_) ((*self).*step)();
  });
}

void exchange::arm(clock::duration limit, error_code ec, const char* detail) {
  disarm();
  if (limit.count() <= 0) return;
  deadline_ = net_.w.after(limit, [self = shared_from_this(), ec, detail] {
    if (self->over_) return;
    auto ex = self->ex_;
    asio::dispatch(ex, [self, ec, detail] {
      if (!self->over_) self->fail(ec, detail);
    });
  });
}

void exchange::disarm() {
  net_.w.cancel(std::exchange(deadline_, {}));
}

void exchange::draw_response_faults(reply& r) {
  auto offset = [&](std::int64_t share) {
    auto part = static_cast<std::uint64_t>(share);
    return r.bytes ? *r.bytes / 1'000'000 * part + *r.bytes % 1'000'000 * part / 1'000'000
                   : part % 65'536;
  };
  auto cut_at = [&](network_fault f, breakage::kind what) {
    auto share = net_.draw(faults_, f);
    if (!share) return;
    auto at = offset(*share);
    if (what == breakage::kind::silence && *share % 4 == 0) silent_ = true;
    if (!breakage_ || at < breakage_->at) breakage_ = breakage{what, at};
  };
  cut_at(network_fault::reset_response, breakage::kind::reset);
  cut_at(network_fault::truncate, breakage::kind::close);
  cut_at(network_fault::half_open, breakage::kind::silence);
  if (auto ns = net_.draw(faults_, network_fault::stall, 1, faults_.max_stall.count())) {
    stall_at_ = r.bytes.value_or(0) / 2;
    stall_for_ = clock::duration(*ns);
  }
  bandwidth_ = faults_.bytes_per_second;
  if (net_.draw(faults_, network_fault::slow)) bandwidth_ = faults_.slow_bytes_per_second;
  if (auto share = net_.draw(faults_, network_fault::corrupt)) corrupt_at_ = offset(*share);
}

void exchange::start_response(reply r) {
  if (auto* record = log_number_ ? net_.logged(*log_number_) : nullptr) {
    record->answered = net_.w.now();
    record->status = r.head.status;
    record->retry_after = retry_after_of(r.head);
  }
  draw_response_faults(r);
  bool bodiless = r.bytes && *r.bytes == 0 && !r.ends_early;
  reply_ = std::move(r);
  if (silent_) return;
  if (bodiless && breakage_) {
    // Nothing to cut but the head itself.
    all_sent_ = true;
    if (breakage_->what != breakage::kind::silence) push(arriving::reset, {});
    return;
  }
  push(arriving::head, {});
  pump_response();
}

void exchange::pump_response() {
  while (!over_ && reply_ && !all_sent_ && !silent_ && !body_wait_ &&
         flying_bytes_ < owner_->options.window_bytes && send_slice()) {
  }
}

// False when there is nothing more to send.
bool exchange::send_slice() {
  auto end_with = [&](arriving what) {
    all_sent_ = true;
    push(what, {});
    return false;
  };
  auto& r = *reply_;
  auto n = std::min(net_.slice(faults_), owner_->options.window_bytes);
  if (bandwidth_ > 0) n = std::min<std::size_t>(n, std::max<std::uint64_t>(bandwidth_ / 8, 1));
  if (breakage_) {
    if (sent_ >= breakage_->at) {
      all_sent_ = true;
      if (breakage_->what == breakage::kind::silence) return false;
      return end_with(breakage_->what == breakage::kind::reset ? arriving::reset : arriving::close);
    }
    n = static_cast<std::size_t>(std::min<std::uint64_t>(n, breakage_->at - sent_));
  }
  if (r.bytes) n = static_cast<std::size_t>(std::min<std::uint64_t>(n, *r.bytes - sent_));
  std::vector<std::byte> bytes(n);
  std::size_t got = 0;
  if (n > 0 && r.body) {
    auto outcome = r.body->read(bytes);
    if (!outcome && outcome.error() == boost::system::errc::resource_unavailable_try_again) {
      await_body();
      return false;
    }
    if (!outcome) return end_with(arriving::reset);
    got = *outcome;
  }
  if (got == 0) {
    bool whole = !r.bytes || sent_ == *r.bytes;
    bool close = !whole || r.ends_early || !r.head.self_delimited;
    return end_with(close ? arriving::close : arriving::end);
  }
  bytes.resize(got);
  if (corrupt_at_ && *corrupt_at_ >= sent_ && *corrupt_at_ < sent_ + got)
    bytes[static_cast<std::size_t>(*corrupt_at_ - sent_)] ^= std::byte{0x10};
  clock::duration extra{};
  if (stall_at_ && sent_ + got > *stall_at_) {
    extra = stall_for_;
    stall_at_.reset();
  }
  sent_ += got;
  flying_bytes_ += got;
  push(arriving::bytes, std::move(bytes), extra);
  return true;
}

// As the real edge does: reads again once the body says so. A crash of the host takes the wait
// along.
void exchange::await_body() {
  auto wait = [](std::shared_ptr<server::response_body> body) -> asio::awaitable<void> {
    auto ready = body->ready();
    co_await std::move(ready);
  };
  body_wait_ = std::make_shared<asio::cancellation_signal>();
  auto done = [weak = weak_from_this(), signal = body_wait_](const std::exception_ptr&) {
    auto self = weak.lock();
    if (!self || self->body_wait_ != signal) return;
    self->body_wait_.reset();
    if (!self->over_) self->on_client(&exchange::pump_response);
  };
  asio::co_spawn(host_->program().get_executor(), wait(reply_->body),
                 asio::bind_cancellation_slot(body_wait_->slot(), std::move(done)));
}

void exchange::push(arriving what, std::vector<std::byte> bytes, clock::duration extra) {
  auto free = std::max(down_free_, net_.w.now());
  if (bandwidth_ > 0 && !bytes.empty())
    free += std::chrono::nanoseconds(bytes.size() * 1'000'000'000 / bandwidth_);
  down_free_ = free;
  down_last_ = std::max(down_last_, free + net_.delay(faults_)) + extra;
  flying_.push_back({down_last_, what, std::move(bytes)});
  schedule_front();
}

void exchange::schedule_front() {
  if (scheduled_ || paused_ || flying_.empty()) return;
  scheduled_ = true;
  net_.w.at(flying_.front().when, [self = shared_from_this()] { self->front_arrived(); });
}

void exchange::front_arrived() {
  // The front may have been replaced since this was scheduled, by a reset that has its own event.
  if (over_ || flying_.empty() || flying_.front().when > net_.w.now()) return;
  auto when = net_.passes(origin_, owner_->options.name, direction::to_client);
  if (when > net_.w.now()) {
    auto again = [self = shared_from_this()] { self->front_arrived(); };
    if (when == clock::time_point::max())
      net_.parked.push_back(std::move(again));
    else
      net_.w.at(when, std::move(again));
    return;
  }
  ++net_.events;
  net_.w.note("net.down", {id_, flying_.front().bytes.size()});
  on_client(&exchange::deliver);
}

void exchange::deliver() {
  scheduled_ = false;
  if (paused_ || flying_.empty()) return;
  auto a = std::move(flying_.front());
  flying_.pop_front();
  auto self = shared_from_this();
  switch (a.what) {
    case arriving::connected:
      connected();
      break;
    case arriving::stale:
      host_->exchanges.erase(id_);
      if (!req_.body || body_sent_ == 0 || req_.body->rewind())
        connect();
      else
        fail(make_error_code(http::errc::send_failed), "a kept connection was dead");
      break;
    case arriving::send_reset:
      fail(make_error_code(http::errc::send_failed), "connection reset by peer");
      break;
    case arriving::reset:
      fail(make_error_code(log_number_ ? http::errc::receive_failed : http::errc::connect_failed),
           log_number_ ? "connection reset by peer" : "connection refused");
      break;
    case arriving::head:
      deliver_head();
      break;
    case arriving::bytes:
      if (!deliver_bytes(a) && !over_) flying_.push_front(std::move(a));
      break;
    case arriving::end:
      finish({}, !reply_->close && (!req_.body || body_ended_));
      break;
    case arriving::close:
      if (head_seen_ && !reply_->head.self_delimited)
        finish({}, false);
      else
        fail(make_error_code(head_seen_ ? http::errc::truncated_body : http::errc::receive_failed),
             "the connection ended early");
      break;
  }
  if (over_) return;
  pump_response();
  schedule_front();
}

void exchange::deliver_head() {
  if (head_size(reply_->head) > req_.limits.head_bytes) {
    fail(make_error_code(http::errc::limit_exceeded), "the head is too large");
    return;
  }
  if (auto* record = log_number_ ? net_.logged(*log_number_) : nullptr)
    record->received = net_.w.now();
  head_seen_ = true;
  summary_.status = reply_->head.status;
  arm(req_.limits.idle, make_error_code(http::errc::idle_timeout), "nothing arrived in time");
  delivering_ = true;
  auto wish = handler_->on_head(reply_->head);
  delivering_ = false;
  if (over_) return;
  if (wish == http::flow::stop)
    fail(make_error_code(http::errc::stopped_by_handler), "stopped");
  else if (wish == http::flow::pause && !std::exchange(resume_wanted_, false)) {
    paused_ = true;
    disarm();
  }
}

// False when the handler did not take them.
bool exchange::deliver_bytes(arrival& a) {
  delivering_ = true;
  auto wish = handler_->on_body(a.bytes);
  delivering_ = false;
  if (over_) return true;
  if (wish == http::flow::stop) {
    fail(make_error_code(http::errc::stopped_by_handler), "stopped");
    return true;
  }
  if (wish == http::flow::pause) {
    a.when = net_.w.now();
    paused_ = !std::exchange(resume_wanted_, false);
    if (paused_) disarm();
    return false;
  }
  resume_wanted_ = false;
  flying_bytes_ -= a.bytes.size();
  net_.bytes += a.bytes.size();
  summary_.body_bytes += a.bytes.size();
  arm(req_.limits.idle, make_error_code(http::errc::idle_timeout), "nothing arrived in time");
  return true;
}

void exchange::resume() {
  if (over_) return;
  if (std::exchange(body_paused_, false)) {
    asio::post(ex_, [self = shared_from_this()] {
      if (!self->over_) self->pump_request();
    });
  }
  if (delivering_) resume_wanted_ = true;
  if (!std::exchange(paused_, false)) return;
  if (head_seen_)
    arm(req_.limits.idle, make_error_code(http::errc::idle_timeout), "nothing arrived in time");
  schedule_front();
}

void exchange::server_died(bool silent) {
  if (over_) return;
  all_sent_ = true;
  if (call_) call_->break_off();
  call_.reset();
  // The wait has gone with its process: there is nothing left to cancel.
  body_wait_.reset();
  if (silent) {
    silent_ = true;
    return;
  }
  // A reset overtakes what the receiver has not read.
  flying_.clear();
  flying_bytes_ = 0;
  scheduled_ = false;
  down_last_ = {};
  push(arriving::reset, {});
}

void exchange::cancel(error_code ec) {
  fail(ec, "cancelled");
}

void exchange::cancel_on_client() {
  if (over_) return;
  auto ex = ex_;
  asio::dispatch(ex, [self = shared_from_this()] { self->cancel(asio::error::operation_aborted); });
}

void exchange::fail(error_code ec, std::string detail) {
  if (over_) return;
  summary_.detail = std::move(detail);
  finish(ec, false);
}

void exchange::forget_server() {
  if (call_) call_->break_off();
  call_.reset();
  if (auto wait = std::exchange(body_wait_, nullptr)) wait->emit(asio::cancellation_type::terminal);
  if (host_) host_->exchanges.erase(id_);
  flying_.clear();
  // Events already scheduled keep this object; they must not keep a strand of a process that may
  // go before them.
  ex_ = executor();
  // The body may hold a file of the server's; the head may be in the handler's hands right now.
  if (reply_) reply_->body.reset();
}

void exchange::finish(error_code ec, bool keep_connection) {
  if (over_) return;
  auto self = shared_from_this();
  disarm();
  over_ = true;
  net_.w.note("net.done", {id_, static_cast<std::uint64_t>(ec.value()), summary_.body_bytes});
  forget_server();
  auto* owner = owner_;
  owner->completed(std::move(done_), ec, std::move(summary_));
  owner->exchanges.erase(id_);
  if (!holds_connection_) return;
  std::optional<client_state::idle_connection> kept;
  if (keep_connection) kept = {incarnation_, net_.w.now()};
  owner->release_connection(origin_, kept);
}

exchange::completion exchange::abandon() {
  disarm();
  over_ = true;
  forget_server();
  return std::move(done_);
}

}  // namespace tidewire::lab::detail
