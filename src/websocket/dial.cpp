#include "websocket/dial.hpp"

#include "websocket/proxy.hpp"
#include "websocket/resolve.hpp"

#include <tidewire/core/timeout.hpp>
#include <tidewire/http/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace tidewire::websocket {
namespace {

using tcp = asio::ip::tcp;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t max_endpoints = 4;
// For each address but the last, so that one that never answers leaves time for the next.
constexpr auto one_address = std::chrono::seconds(2);
constexpr std::size_t max_tunnel_head_bytes = 8 * 1024;

dialled failed(http::errc why, std::string detail) {
  return {http::make_error_code(why), std::move(detail), nullptr};
}

asio::awaitable<error_code> connect_one(tcp::socket& socket, tcp::endpoint to) {
  auto [ec] = co_await socket.async_connect(to, quietly);
  co_return ec;
}

asio::awaitable<error_code> connect(tcp::socket& socket, std::vector<tcp::endpoint> endpoints) {
  error_code last = asio::error::host_not_found;
  if (endpoints.size() > max_endpoints) endpoints.resize(max_endpoints);
  for (const auto& to : endpoints) {
    error_code ignored;
    socket.close(ignored);
    auto attempt = connect_one(socket, to);
    if (&to != &endpoints.back()) {
      auto limited = with_timeout(one_address, std::move(attempt));
      last = co_await std::move(limited);
    } else {
      last = co_await std::move(attempt);
    }
    if (!last) break;
  }
  co_return last;
}

std::string tunnel_request(const std::string& authority, const proxy& through) {
  auto out = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (!through.authorization.empty())
    out += "Proxy-Authorization: " + through.authorization + "\r\n";
  return out + "\r\n";
}

// Reads byte by byte what is short: whatever comes after the head belongs to the tunnel.
asio::awaitable<std::pair<error_code, std::string>> read_tunnel_head(tcp::socket& socket) {
  std::pair<error_code, std::string> out;
  auto& head = out.second;
  while (!head.ends_with("\r\n\r\n") && head.size() < max_tunnel_head_bytes) {
    char c = 0;
    auto space = asio::buffer(&c, 1);
    auto [ec, n] = co_await socket.async_read_some(space, quietly);
    out.first = ec;
    if (ec) break;
    head += c;
  }
  co_return out;
}

asio::awaitable<dialled> open_tunnel(tcp::socket& socket, const std::string& authority,
                                     const proxy& through) {
  auto text = tunnel_request(authority, through);
  auto bytes = asio::buffer(text);
  auto [sent, n] = co_await asio::async_write(socket, bytes, quietly);
  if (sent) co_return failed(http::errc::proxy_failed, "proxy: " + sent.message());
  auto [ec, head] = co_await read_tunnel_head(socket);
  if (ec == asio::error::operation_aborted) co_return dialled{ec, {}, nullptr};
  if (ec) co_return failed(http::errc::proxy_failed, "proxy: " + ec.message());
  auto line = head.substr(0, head.find("\r\n"));
  bool http = line.starts_with("HTTP/1.") && line.size() >= 12 && head.ends_with("\r\n\r\n");
  if (!http) co_return failed(http::errc::proxy_failed, "the proxy does not speak HTTP");
  if (line[9] != '2')
    co_return failed(http::errc::proxy_failed, "the proxy refused: " + line.substr(9, 80));
  co_return dialled();
}

asio::awaitable<dialled> secure(tcp::socket socket, const std::string& host,
                                asio::ssl::context& tls) {
  auto made = make_tls_wire(std::move(socket), tls, host);
  if (!made) co_return failed(http::errc::tls_failed, made.error().message());
  auto line = std::shared_ptr<tls_wire>(std::move(*made));
  auto shake = initiate<void(error_code)>(
      [line](wire::on_end done) { line->handshake(std::move(done)); }, quietly);
  auto [ec] = co_await std::move(shake);
  // A broken connection is worth another try, a certificate is not.
  bool broken = ec == asio::error::eof || ec == asio::error::connection_reset;
  if (broken) co_return failed(http::errc::connect_failed, "TLS: the connection broke");
  if (ec) co_return failed(http::errc::tls_failed, "TLS: " + ec.message());
  dialled out;
  out.line = std::move(line);
  co_return out;
}

}  // namespace

asio::awaitable<dialled> dial(executor ex, const http::url& target,
                              const beast_client_options& options, asio::ssl::context* tls,
                              std::string& stage) {
  auto through = choose_proxy(target, options.proxy, process_environment);
  if (!through) co_return failed(http::errc::proxy_failed, "the proxy's URL can't be used");
  std::string host(without_brackets(target.host()));
  auto port = target.port();
  std::string where = *through ? (*through)->host : host;

  stage = "looking up " + where;
  auto looking = resolve(ex, where, *through ? (*through)->port : port);
  auto found = co_await std::move(looking);
  if (!found) co_return failed(http::errc::resolve_failed, where + ": " + found.error().message());

  stage = "connecting to " + where;
  tcp::socket socket(ex);
  auto connecting = connect(socket, *found);
  auto ec = co_await std::move(connecting);
  if (ec) {
    auto why = *through ? http::errc::proxy_failed : http::errc::connect_failed;
    co_return failed(why, where + ": " + ec.message());
  }
  if (*through) {
    stage = "waiting for the proxy";
    auto authority = std::string(target.host()) + ":" + std::to_string(port);
    auto tunnelling = open_tunnel(socket, authority, **through);
    auto tunnel = co_await std::move(tunnelling);
    if (tunnel.failure) co_return tunnel;
  }
  if (target.scheme() == "https") {
    stage = "negotiating TLS";
    auto securing = secure(std::move(socket), host, *tls);
    co_return co_await std::move(securing);
  }
  dialled out;
  out.line = make_tcp_wire(std::move(socket));
  co_return out;
}

}  // namespace tidewire::websocket
