#pragma once

#include "websocket/wire.hpp"

#include <tidewire/http/url.hpp>
#include <tidewire/websocket/beast_client.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace tidewire::websocket {

// One attempt's way to a server: name, TCP, the proxy's tunnel, TLS. Cancelling it ends it.
struct dialled {
  error_code failure;  // http::errc
  std::string detail;
  std::shared_ptr<wire> line;
};

// `stage` is kept up to date, for whoever reports a deadline that passed. `tls` is needed for
// https.
asio::awaitable<dialled> dial(executor ex, const http::url& target,
                              const beast_client_options& options, asio::ssl::context* tls,
                              std::string& stage);

}  // namespace tidewire::websocket
