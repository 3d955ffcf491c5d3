#include "websocket_session.hpp"

#include "websocket/beast_connection.hpp"

#include <boost/asio/as_tuple.hpp>

#include <utility>

namespace tidewire::server {

void websocket_session::take(asio::ip::tcp::socket socket, std::string early) {
  line_ = websocket::make_tcp_wire(std::move(socket), std::move(early));
}

asio::awaitable<std::unique_ptr<websocket::connection>> websocket_session::answer() {
  websocket::server_hello hello;
  hello.key = std::move(key_);
  hello.subprotocol = std::move(upgrade_.subprotocol);
  hello.limits = upgrade_.limits;
  abort_ = [line = line_] { line->close(); };
  auto token = asio::as_tuple(asio::use_awaitable);
  auto shake = websocket::async_server_handshake(std::move(line_), std::move(hello), token);
  auto [ec, made] = co_await std::move(shake);
  abort_ = std::move(made.abort);
  close_ = std::move(made.close);
  if (ec) co_return nullptr;
  if (!stopping_) co_return std::move(made.socket);
  auto closing = made.socket->async_close(websocket::close_code::going_away, {}, token);
  co_await std::move(closing);
  co_return nullptr;
}

asio::awaitable<void> websocket_session::begin(std::unique_ptr<websocket::connection> made) {
  running_ = true;
  auto session = std::exchange(upgrade_.session, nullptr);
  return session(std::move(made));
}

void websocket_session::begin_stop() {
  if (std::exchange(stopping_, true) || !running_) return;
  auto tell = std::exchange(upgrade_.on_stop, nullptr);
  if (tell)
    tell();
  else if (close_)
    close_(websocket::close_code::going_away);
}

void websocket_session::force_close() {
  if (abort_) abort_();
}

}  // namespace tidewire::server
