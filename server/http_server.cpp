#include "core/strand.hpp"
#include "edge.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/initiate_on.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/server/http_server.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

namespace tidewire::server {
namespace {

using tcp = asio::ip::tcp;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr auto accept_pause = std::chrono::milliseconds(100);

// "::ffff:127.0.0.1" and "127.0.0.1" are one client.
std::string text_of(asio::ip::address address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

// Best effort and without waiting: a flood must cost us less than the one who sends it.
void turn_away(tcp::socket& socket) {
  constexpr std::string_view answer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n"
      "Retry-After: 1\r\n\r\n";
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(answer), ignored);
  socket.shutdown(tcp::socket::shutdown_both, ignored);
  socket.close(ignored);
}

}  // namespace

// Everything but the constructor, port() and listen() happens on `strand`.
struct http_server::impl : std::enable_shared_from_this<http_server::impl> {
  struct entry {
    std::weak_ptr<connection> alive;
    std::string peer;
  };

  impl(context ctx, http_server_options options, handler answer)
      : shared(std::make_shared<edge>(std::move(ctx), std::move(options), std::move(answer))),
        strand(strand_on(shared->ctx.exec)),
        acceptor(strand),
        wake(strand) {}

  static asio::awaitable<error_code> run(std::shared_ptr<impl> self);
  asio::awaitable<void> accept();
  asio::awaitable<void> wind_down();
  void admit(tcp::socket socket, const tcp::endpoint& from);
  void gone(std::uint64_t id);
  void begin_stop(std::chrono::nanoseconds grace);
  void force_all();

  std::shared_ptr<edge> shared;
  executor strand;
  tcp::acceptor acceptor;
  timer wake;  // of wind_down() and of accept()'s pause
  std::uint16_t port = 0;
  std::unordered_map<std::uint64_t, entry> connections;
  std::unordered_map<std::string, std::size_t> per_address;
  std::uint64_t next_id = 1;
  std::optional<clock::time_point> give_up;  // set once stop() was called
};

asio::awaitable<error_code> http_server::impl::run(std::shared_ptr<impl> self) {
  // A cancel is a stop without grace, not an exception: connections must be waited for.
  co_await asio::this_coro::throw_if_cancelled(false);
  auto accepting = self->accept();
  co_await std::move(accepting);
  if (!self->give_up) self->begin_stop(std::chrono::nanoseconds(0));
  auto ending = self->wind_down();
  co_await std::move(ending);
  co_return error_code();
}

asio::awaitable<void> http_server::impl::accept() {
  auto cancelled = co_await asio::this_coro::cancellation_state;
  while (!give_up && acceptor.is_open()) {
    tcp::socket socket(strand_on(shared->ctx.exec));
    tcp::endpoint from;
    auto [ec] = co_await acceptor.async_accept(socket, from, quietly);
    if (cancelled.cancelled() != asio::cancellation_type::none) break;
    if (!ec) {
      admit(std::move(socket), from);
      continue;
    }
    if (give_up || !acceptor.is_open()) break;
    // Out of descriptors, most likely: the next try would fail at once and spin.
    shared->ctx.log->write(severity::warning, "http.accept_failed", {{"error", ec.message()}});
    wake.expires_after(accept_pause);
    auto [ignored] = co_await wake.async_wait(quietly);
    (void)ignored;
  }
}

asio::awaitable<void> http_server::impl::wind_down() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  bool forced = false;
  while (!connections.empty()) {
    if (!forced && clock(strand).now() >= *give_up) {
      force_all();
      forced = true;
    }
    wake.expires_at(forced ? clock::time_point::max() : *give_up);
    auto [ignored] = co_await wake.async_wait(quietly);
    (void)ignored;
  }
}

void http_server::impl::admit(tcp::socket socket, const tcp::endpoint& from) {
  auto peer = text_of(from.address());
  const auto& o = shared->options;
  auto known = per_address.find(peer);
  bool full = connections.size() >= o.max_connections;
  bool greedy = known != per_address.end() && known->second >= o.max_connections_per_address;
  if (full || greedy) {
    shared->refused(full ? "connections" : "connections_per_address", peer);
    return turn_away(socket);
  }
  auto id = next_id++;
  auto made = make_connection(shared, std::move(socket), peer);
  connections.emplace(id, entry{made, peer});
  ++per_address[peer];
  shared->ctx.metrics->gauge("tidewire_http_connections", static_cast<double>(connections.size()));
  made->start([weak = weak_from_this(), id, where = strand] {
    asio::post(where, [weak, id] {
      if (auto self = weak.lock()) self->gone(id);
    });
  });
}

void http_server::impl::gone(std::uint64_t id) {
  auto it = connections.find(id);
  if (it == connections.end()) return;
  auto address = per_address.find(it->second.peer);
  if (--address->second == 0) per_address.erase(address);
  connections.erase(it);
  shared->ctx.metrics->gauge("tidewire_http_connections", static_cast<double>(connections.size()));
  if (connections.empty() && give_up) wake.cancel();
}

void http_server::impl::begin_stop(std::chrono::nanoseconds grace) {
  auto now = clock(strand).now();
  auto room = clock::time_point::max() - now;
  auto until = now + std::min(std::max(grace, std::chrono::nanoseconds(0)), room);
  bool first = !give_up;
  // A second call may shorten the grace, never stretch it.
  give_up = first ? until : std::min(*give_up, until);
  error_code ignored;
  acceptor.close(ignored);
  wake.cancel();
  if (!first) return;
  for (auto& [id, e] : connections)
    if (auto alive = e.alive.lock()) alive->begin_stop();
}

void http_server::impl::force_all() {
  for (auto& [id, e] : connections)
    if (auto alive = e.alive.lock()) alive->force_close();
}

http_server::http_server(context ctx, http_server_options options, handler answer)
    : impl_(std::make_shared<impl>(std::move(ctx), std::move(options), std::move(answer))) {}

http_server::~http_server() {
  stop(std::chrono::nanoseconds(0));
}

result<void> http_server::listen() {
  auto& o = impl_->shared->options;
  error_code ec;
  auto text = o.address == "localhost" ? "127.0.0.1" : o.address;
  auto address = asio::ip::make_address(text, ec);
  if (ec) return make_error_code(errc::invalid_argument);
  if (!address.is_loopback() && o.token.empty()) return make_error_code(errc::invalid_argument);
  auto& a = impl_->acceptor;
  tcp::endpoint where(address, o.port);
  if (a.is_open()) return make_error_code(errc::invalid_argument);
  a.open(where.protocol(), ec);
  if (!ec) a.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) a.bind(where, ec);
  if (!ec) a.listen(asio::socket_base::max_listen_connections, ec);
  if (!ec) impl_->port = a.local_endpoint(ec).port();
  if (ec) {
    error_code ignored;
    a.close(ignored);
    return ec;
  }
  impl_->shared->policy = make_screening_policy(o.token, o.address, impl_->port, o.allowed_origins);
  impl_->shared->policy.token_in_band = o.token_in_band;
  return {};
}

std::uint16_t http_server::port() const {
  return impl_->port;
}

void http_server::start(asio::any_completion_handler<void(error_code)> done) {
  auto body = [self = impl_] { return impl::run(self); };
  initiate_on<void(error_code)>(impl_->strand, std::move(done), std::move(body));
}

void http_server::stop(std::chrono::nanoseconds grace) {
  asio::post(impl_->strand, [self = impl_, grace] { self->begin_stop(grace); });
}

}  // namespace tidewire::server
