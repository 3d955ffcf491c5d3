#include "proxy_session.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/initiate_on.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/lab/proxy.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace tidewire::lab {
namespace {

using asio::ip::tcp;
constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds file_check_interval{250};
constexpr std::chrono::milliseconds close_check_interval{5};

result<proxy_faults> load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return make_error_code(errc::invalid_argument);
  std::string text(std::istreambuf_iterator<char>(in), {});
  return proxy_faults::from_json(text);
}

// What changes when a file does: time and size, since a coarse clock may show the same time twice.
std::pair<std::int64_t, std::uintmax_t> stamp(const std::string& path) {
  std::error_code ec;
  auto time = std::filesystem::last_write_time(path, ec).time_since_epoch().count();
  auto size = std::filesystem::file_size(path, ec);
  return ec ? std::pair<std::int64_t, std::uintmax_t>{} : std::pair{time, size};
}

}  // namespace

struct proxy::impl : std::enable_shared_from_this<impl> {
  impl(context c, proxy_options o, proxy_faults f)
      : ctx(std::move(c)),
        strand(asio::make_strand(ctx.exec)),
        acceptor(strand),
        shared(std::make_shared<detail::proxy_shared>(ctx.random)) {
    shared->options = std::move(o);
    shared->faults = f;
  }

  context ctx;
  executor strand;
  tcp::acceptor acceptor;
  std::shared_ptr<detail::proxy_shared> shared;
  std::vector<std::weak_ptr<detail::proxy_session>> sessions;
  std::uint16_t port = 0;
  bool stopped = false;

  asio::awaitable<error_code> run();
  asio::awaitable<void> watch_file(std::shared_ptr<impl> self);
  void accepted(tcp::socket client);
  void set_faults(const proxy_faults& f);
  std::uint64_t reset_all();
  void stall_all(clock::duration time);
  void stop();
};

void proxy::impl::set_faults(const proxy_faults& f) {
  shared->faults = f;
  for (auto& weak : sessions)
    if (auto session = weak.lock()) session->faults_changed();
}

// How many there were.
std::uint64_t proxy::impl::reset_all() {
  std::uint64_t n = 0;
  for (auto& weak : sessions) {
    auto session = weak.lock();
    if (!session || !session->open()) continue;
    session->reset();
    ++n;
  }
  return n;
}

void proxy::impl::stall_all(clock::duration time) {
  auto now = clock(strand).now();
  if (time.count() <= 0) {
    shared->stalled_until.reset();
    return;
  }
  shared->stalled_until =
      time > clock::time_point::max() - now ? clock::time_point::max() : now + time;
  for (auto& weak : sessions)
    if (auto session = weak.lock(); session && session->open()) ++shared->counters.stalled;
}

void proxy::impl::stop() {
  stopped = true;
  error_code ignored;
  acceptor.close(ignored);
  reset_all();
}

void proxy::impl::accepted(tcp::socket client) {
  ++shared->counters.connections;
  std::erase_if(sessions, [](auto& weak) { return weak.expired(); });
  if (shared->faults.refuse || sessions.size() >= shared->options.max_connections) {
    ++shared->counters.refused;
    error_code ignored;
    client.set_option(asio::socket_base::linger(true, 0), ignored);
    return;
  }
  auto session = std::make_shared<detail::proxy_session>(shared, std::move(client));
  sessions.push_back(session);
  session->run();
}

asio::awaitable<error_code> proxy::impl::run() {
  asio::co_spawn(strand, watch_file(shared_from_this()), asio::detached);
  timer pause(strand);
  while (!stopped) {
    auto accepting = acceptor.async_accept(token);
    auto [ec, client] = co_await std::move(accepting);
    if (stopped || ec == asio::error::operation_aborted) break;
    if (!ec) {
      accepted(std::move(client));
      continue;
    }
    // Out of descriptors, or the client is gone already: neither ends the proxy.
    pause.expires_after(file_check_interval);
    co_await pause.async_wait(token);
  }
  stop();
  // Cancelled sockets still complete their handlers.
  while (shared->counters.open > 0) {
    pause.expires_after(close_check_interval);
    co_await pause.async_wait(token);
  }
  co_return error_code();
}

asio::awaitable<void> proxy::impl::watch_file(std::shared_ptr<impl> /* keeps this */) {
  auto path = shared->options.faults_file;
  if (path.empty()) co_return;
  auto seen = stamp(path);
  timer pause(strand);
  while (!stopped) {
    pause.expires_after(file_check_interval);
    co_await pause.async_wait(token);
    auto now = stamp(path);
    if (stopped || now == seen) continue;
    auto faults = load(path);
    seen = now;
    if (faults)
      set_faults(*faults);
    else
      ctx.log->write(severity::warning, "proxy_faults_unreadable", {{"file", path}});
  }
}

proxy::proxy(context ctx, proxy_options options, proxy_faults faults)
    : impl_(std::make_shared<impl>(std::move(ctx), std::move(options), faults)) {}

proxy::~proxy() {
  stop();
}

result<void> proxy::listen() {
  auto& o = impl_->shared->options;
  error_code ec;
  auto address = asio::ip::make_address(o.listen_address, ec);
  if (ec) return make_error_code(errc::invalid_argument);
  if (!o.faults_file.empty()) {
    auto faults = load(o.faults_file);
    if (!faults) return faults.error();
    impl_->shared->faults = *faults;
  }
  tcp::endpoint endpoint(address, o.listen_port);
  auto& a = impl_->acceptor;
  a.open(endpoint.protocol(), ec);
  if (!ec) a.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) a.bind(endpoint, ec);
  if (!ec) a.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return ec;
  impl_->port = a.local_endpoint(ec).port();
  return {};
}

std::uint16_t proxy::port() const {
  return impl_->port;
}

void proxy::start(asio::any_completion_handler<void(error_code)> done) {
  initiate_on<void(error_code)>(impl_->strand, std::move(done),
                                [self = impl_]() -> asio::awaitable<error_code> {
                                  auto running = self->run();
                                  auto ec = co_await std::move(running);
                                  co_return ec;
                                });
}

void proxy::set_faults(proxy_faults faults) {
  asio::post(impl_->strand, [self = impl_, faults] { self->set_faults(faults); });
}

void proxy::reset_all() {
  asio::post(impl_->strand, [self = impl_] { self->shared->counters.reset += self->reset_all(); });
}

void proxy::stall_all(std::chrono::nanoseconds time) {
  asio::post(impl_->strand, [self = impl_, time] { self->stall_all(time); });
}

void proxy::stop() {
  asio::post(impl_->strand, [self = impl_] { self->stop(); });
}

proxy_counters proxy::counters() const {
  auto& c = impl_->shared->counters;
  proxy_counters out;
  out.connections = c.connections;
  out.open = c.open;
  out.bytes_up = c.bytes_up;
  out.bytes_down = c.bytes_down;
  out.refused = c.refused;
  out.reset = c.reset;
  out.truncated = c.truncated;
  out.stalled = c.stalled;
  out.half_open = c.half_open;
  out.upstream_failures = c.upstream_failures;
  return out;
}

}  // namespace tidewire::lab
