#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/http/client.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace tidewire::http {

struct curl_client_options {
  // Connections in all and to one host; more exchanges wait their turn.
  std::size_t max_connections = 64;
  std::size_t max_connections_per_host = 32;
  // Receive buffer of each connection. 512 KiB is as fast as the curl tool; 16 KiB costs 1.6 times.
  std::size_t receive_buffer_bytes = 512 * 1024;
  std::string user_agent = "tidewire/0.1";
  // Proxy URL; unset takes http_proxy, https_proxy, all_proxy and no_proxy from the environment,
  // an empty string uses none.
  std::optional<std::string> proxy;
  // File with certificates to trust in place of the system's.
  std::string ca_file;
};

// The client on libcurl, driven by an Asio executor that must have one thread or be a strand.
// Needs Linux or another POSIX system. TLS certificates and host names are always verified.
// context.exec is the executor. The client must be stopped, or its executor ended, before it goes.
std::unique_ptr<client> make_curl_client(context ctx, curl_client_options options = {});

}  // namespace tidewire::http
