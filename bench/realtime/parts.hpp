#pragma once

#include "process.hpp"

#include <tidewire/http/curl_client.hpp>
#include <tidewire/realtime/realtime_connection.hpp>
#include <tidewire/websocket/beast_client.hpp>

#include <memory>

namespace tidewire::bench {

// The edges of a process, and connections made with them.
struct edges {
  explicit edges(const context& ctx, std::size_t connections = 64) {
    http::curl_client_options o;
    o.max_connections = o.max_connections_per_host = connections;
    if (connections > 64) o.receive_buffer_bytes = 16 * 1024;
    o.proxy = "";
    polls = http::make_curl_client(ctx, o);
    websocket::beast_client_options b;
    b.proxy = "";
    sockets = websocket::make_beast_client(ctx, b);
  }
  realtime::connection_parts parts() const { return {sockets.get(), polls.get(), nullptr}; }

  std::unique_ptr<http::client> polls;
  std::unique_ptr<websocket::client> sockets;
};

// `websocket PORT`, `http PORT`: where the server is. The other options are the defaults.
inline realtime::connection_options options_of(const arguments& a) {
  auto at = [](const std::string& port, const char* path) {
    return *http::url::parse("http://127.0.0.1:" + port + path);
  };
  realtime::connection_options o;
  o.websocket_url = at(a.text("websocket"), "/realtime/bench");
  o.poll_url = at(a.text("http", a.text("websocket")), "/messages");
  return o;
}

}  // namespace tidewire::bench
