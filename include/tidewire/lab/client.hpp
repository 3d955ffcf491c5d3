#pragma once

#include <tidewire/http/client.hpp>
#include <tidewire/lab/network.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace tidewire::lab {

namespace detail {
struct client_state;
}

struct client_options {
  std::string name = "client";                // for links, partitions and the request log
  std::size_t max_connections_per_host = 32;  // more exchanges wait their turn, first come first
  std::size_t max_idle_connections_per_host = 8;
  // Bytes on their way to a handler, the paused ones included: what a socket buffer would hold.
  std::size_t window_bytes = 256 * 1024;
  // A connection unused for longer is found dead (see network_fault::stale_reset).
  std::chrono::nanoseconds server_keep_alive = std::chrono::seconds(75);
};

// http::client on the simulated network: HTTP/1.1 as far as anybody above the interface can tell.
// `ex` must belong to a process of the network's world; everything is called on it. The network
// must outlive the client. Exchanges pending at destruction are dropped without completion.
class client final : public http::client {
 public:
  client(network& net, executor ex, client_options options = {});
  ~client() override;

  executor get_executor() const override;
  void stop(asio::any_completion_handler<void()> done) override;

  std::size_t exchanges() const;  // under way or waiting

 private:
  void start(http::request req, http::exchange_handler& handler,
             asio::any_completion_handler<void(error_code, http::exchange_summary)> done) override;
  std::shared_ptr<detail::client_state> state_;
};

}  // namespace tidewire::lab
