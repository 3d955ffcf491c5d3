#include "proxy_session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace tidewire::lab::detail {
namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds poll_interval{5};
constexpr auto never = std::numeric_limits<std::uint64_t>::max();

void send_reset(proxy_session::socket& s) {
  error_code ignored;
  s.set_option(asio::socket_base::linger(true, 0), ignored);
  s.close(ignored);
}

// How many bytes pass until a fault with that chance in each MiB happens.
std::uint64_t distance(std::uint32_t ppm_per_mib, rng& random) {
  if (ppm_per_mib == 0) return never;
  if (ppm_per_mib >= 1'000'000) return 0;
  auto u = static_cast<double>(random.between(1, 1'000'000'000)) / 1e9;
  auto mib = std::log(u) / std::log1p(-static_cast<double>(ppm_per_mib) / 1e6);
  return mib > 1e12 ? never : static_cast<std::uint64_t>(mib * 1024 * 1024);
}

// By how much a piece is late: its copies are lost with the same chance.
clock::duration retransmission(std::uint32_t ppm, rng& random) {
  constexpr std::chrono::milliseconds first{200}, most{3000};
  std::chrono::milliseconds late{0}, next = first;
  while (ppm > 0 && late < most && random.chance_ppm(ppm)) {
    late = std::min(late + next, most);
    next *= 2;
  }
  return late;
}

}  // namespace

proxy_session::proxy_session(std::shared_ptr<proxy_shared> shared, socket client)
    : shared_(std::move(shared)),
      client_(std::move(client)),
      server_(client_.get_executor()),
      executor_(client_.get_executor()),
      clock_(executor_),
      up_(executor_, client_, server_),
      down_(executor_, server_, client_) {
  ++shared_->counters.open;
  auto& random = shared_->random;
  if (random.chance_ppm(shared_->faults.reset_ppm)) {
    auto x = static_cast<double>(random.between(0, 1'000'000)) / 50'000;
    reset_by_connection_ = static_cast<std::uint64_t>(std::exp2(x));
  }
  faults_changed();
}

proxy_session::~proxy_session() {
  --shared_->counters.open;
}

void proxy_session::faults_changed() {
  auto far = distance(shared_->faults.reset_ppm_per_mib, shared_->random);
  reset_at_ = std::min(reset_by_connection_, far > never - total() ? never : total() + far);
}

void proxy_session::run() {
  auto self = shared_from_this();
  asio::co_spawn(executor_, connect(), [self](const std::exception_ptr& failure) {
    if (failure) self->reset();
  });
}

asio::awaitable<void> proxy_session::connect() {
  auto gate = wait_for_link();
  co_await std::move(gate);
  if (closed_) co_return;
  asio::ip::tcp::resolver resolver(executor_);
  auto port = std::to_string(shared_->options.upstream_port);
  auto resolving = resolver.async_resolve(shared_->options.upstream_host, port, token);
  auto [resolve_error, endpoints] = co_await std::move(resolving);
  if (!resolve_error && !closed_) {
    auto connecting = asio::async_connect(server_, endpoints, token);
    auto [connect_error, endpoint] = co_await std::move(connecting);
    resolve_error = connect_error;
  }
  if (closed_) co_return;
  if (resolve_error) {
    ++shared_->counters.upstream_failures;
    reset();
    co_return;
  }
  error_code ignored;
  client_.set_option(asio::ip::tcp::no_delay(true), ignored);
  server_.set_option(asio::ip::tcp::no_delay(true), ignored);
  auto self = shared_from_this();
  for (auto* c : {&up_, &down_}) {
    asio::co_spawn(executor_, read(self, *c), asio::detached);
    asio::co_spawn(executor_, write(self, *c), asio::detached);
  }
}

std::vector<std::byte> proxy_session::take_buffer() {
  auto size = shared_->faults.loss_ppm > 0 ? lossy_piece_bytes : piece_bytes;
  if (spare_.empty()) return std::vector<std::byte>(size);
  auto b = std::move(spare_.back());
  spare_.pop_back();
  b.resize(size);
  return b;
}

asio::awaitable<void> proxy_session::read(std::shared_ptr<proxy_session> /* keeps this */,
                                          channel& c) {
  while (!closed_) {
    if (c.queued >= shared_->options.buffer_bytes) {
      c.drained.expires_at(clock::time_point::max());
      co_await c.drained.async_wait(token);
      continue;
    }
    auto bytes = take_buffer();
    auto space = asio::buffer(bytes);
    auto reading = c.from.async_read_some(space, token);
    auto [ec, n] = co_await std::move(reading);
    if (closed_) co_return;
    if (ec && ec != asio::error::eof) {
      // A reset on one side becomes one on the other; after our own cut it is expected.
      if (!cut_ || &c == &up_) reset();
      co_return;
    }
    if (ec) {
      c.ended = true;
      c.filled.cancel();
      if (cut_) reset();
      co_return;
    }
    if (cut_ || dead_) {
      spare_.push_back(std::move(bytes));
      continue;
    }
    bytes.resize(n);
    enqueue(c, std::move(bytes));
  }
}

void proxy_session::enqueue(channel& c, std::vector<std::byte> bytes) {
  auto& f = shared_->faults;
  auto delay = f.latency;
  if (f.jitter.count() > 0) delay += clock::duration(shared_->random.between(0, f.jitter.count()));
  delay += retransmission(f.loss_ppm, shared_->loss_random);
  c.last = std::max(c.last, clock_.now() + delay);
  c.queued += bytes.size();
  c.queue.push_back({c.last, std::move(bytes), 0});
  c.filled.cancel();
}

asio::awaitable<void> proxy_session::wait_until(clock::time_point when) {
  timer t(executor_);
  t.expires_at(when);
  co_await t.async_wait(token);
}

asio::awaitable<void> proxy_session::wait_for_link() {
  while (!closed_) {
    auto now = clock_.now();
    auto in = [now](auto& until) { return until && now < *until; };
    bool stalled = in(stalled_until_) || in(shared_->stalled_until);
    if (!stalled && !shared_->faults.offline) break;
    auto waiting = wait_until(now + poll_interval);
    co_await std::move(waiting);
  }
}

std::uint64_t proxy_session::rate(const channel& c) const {
  return &c == &up_ ? shared_->faults.up_bytes_per_second : shared_->faults.down_bytes_per_second;
}

asio::awaitable<void> proxy_session::wait_for_bandwidth(channel& c, std::size_t n) {
  auto per_second = rate(c);
  if (per_second == 0) co_return;
  auto now = clock_.now();
  if (c.free > now) {
    auto waiting = wait_until(c.free);
    co_await std::move(waiting);
  }
  // Counted from when it was due, so that late timers do not make it slower.
  auto due = std::max(c.free, clock_.now() - std::chrono::milliseconds(50));
  c.free = due + clock::duration(std::uint64_t{n} * 1'000'000'000 / per_second);
}

// As much of n bytes as may go before something happens to the connection.
std::size_t proxy_session::allowed(const channel& c, std::size_t n) const {
  auto limit = static_cast<std::uint64_t>(n);
  if (auto per_second = rate(c); per_second > 0)
    limit = std::min(limit, std::max<std::uint64_t>(per_second / 50, 1));
  if (reset_at_ > total()) limit = std::min(limit, reset_at_ - total());
  if (&c == &down_) {
    auto& f = shared_->faults;
    for (auto* at : {&f.truncate_after_bytes, &f.reset_after_bytes, &f.stall_after_bytes}) {
      if (*at && **at > c.moved) limit = std::min(limit, **at - c.moved);
    }
  }
  return static_cast<std::size_t>(limit);
}

void proxy_session::apply_thresholds() {
  if (closed_ || cut_) return;
  auto& f = shared_->faults;
  auto moved = down_.moved;
  if (total() >= reset_at_ || (f.reset_after_bytes && moved >= *f.reset_after_bytes)) {
    ++shared_->counters.reset;
    reset();
  } else if (f.truncate_after_bytes && moved >= *f.truncate_after_bytes) {
    truncate();
  } else if (f.stall_after_bytes && moved >= *f.stall_after_bytes && !stall_done_) {
    stall_done_ = true;
    ++shared_->counters.stalled;
    stalled_until_ = f.stall.count() > 0 ? clock_.now() + f.stall : clock::time_point::max();
  }
}

// The client sees an orderly end. Its own bytes are read and dropped until it closes: a close with
// unread bytes would make a reset of it.
void proxy_session::truncate() {
  cut_ = true;
  ++shared_->counters.truncated;
  error_code ignored;
  client_.shutdown(socket::shutdown_send, ignored);
  server_.close(ignored);
  for (auto* c : {&up_, &down_}) {
    swallow(*c);
    c->filled.cancel();
  }
}

void proxy_session::swallow(channel& c) {
  c.queue.clear();
  c.queued = 0;
  c.drained.cancel();
}

// Moves a part of the first piece. False when the connection is over.
asio::awaitable<bool> proxy_session::write_some(channel& c) {
  auto n = allowed(c, c.queue.front().bytes.size() - c.queue.front().at);
  auto pacing = wait_for_bandwidth(c, n);
  co_await std::move(pacing);
  apply_thresholds();
  if (closed_ || cut_ || c.queue.empty()) co_return !closed_ && !cut_;
  // The other direction may have come nearer to a threshold meanwhile.
  n = std::min(n, allowed(c, n));
  // Out of the queue while it is written: a truncation empties that.
  auto first = std::move(c.queue.front());
  c.queue.pop_front();
  auto part = asio::buffer(first.bytes.data() + first.at, n);
  auto writing = asio::async_write(c.to, part, token);
  auto [ec, written] = co_await std::move(writing);
  if (closed_ || cut_) co_return false;
  if (ec) {
    reset();
    co_return false;
  }
  c.moved += written;
  (&c == &up_ ? shared_->counters.bytes_up : shared_->counters.bytes_down) += written;
  c.queued -= written;
  first.at += written;
  if (first.at < first.bytes.size())
    c.queue.push_front(std::move(first));
  else if (spare_.size() < 8)
    spare_.push_back(std::move(first.bytes));
  c.drained.cancel();
  apply_thresholds();
  co_return !closed_ && !cut_;
}

asio::awaitable<void> proxy_session::write(std::shared_ptr<proxy_session> /* keeps this */,
                                           channel& c) {
  // A cut at 0 comes before the first byte.
  if (&c == &down_) apply_thresholds();
  while (!closed_ && !cut_) {
    if (c.queue.empty()) {
      if (c.ended) break;
      c.filled.expires_at(clock::time_point::max());
      co_await c.filled.async_wait(token);
      continue;
    }
    if (auto when = c.queue.front().when; when > clock_.now()) {
      auto waiting = wait_until(when);
      co_await std::move(waiting);
      continue;
    }
    auto gate = wait_for_link();
    co_await std::move(gate);
    if (closed_ || cut_ || c.queue.empty()) continue;
    if (shared_->faults.half_open && !std::exchange(dead_, true)) ++shared_->counters.half_open;
    if (dead_) {
      swallow(c);
      continue;
    }
    auto step = write_some(c);
    bool going_on = co_await std::move(step);
    if (!going_on) co_return;
  }
  if (closed_ || cut_ || dead_) co_return;
  error_code ignored;
  c.to.shutdown(socket::shutdown_send, ignored);
}

void proxy_session::reset() {
  if (std::exchange(closed_, true)) return;
  send_reset(client_);
  send_reset(server_);
  for (auto* c : {&up_, &down_}) {
    c->filled.cancel();
    c->drained.cancel();
  }
}

}  // namespace tidewire::lab::detail
