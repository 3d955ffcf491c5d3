#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/websocket/client.hpp>

#include <memory>
#include <string>

namespace tidewire::lab {

// websocket::client on the simulated network: opens WebSockets to the hosts whose handlers answer
// upgrades (server::router::add_websocket). Messages arrive in order, late, or never, as the link's
// faults have it (see network_fault); a partition holds them back. `name` as in client_options.
//
// `ex` must belong to a process of the network's world; everything is called on it. The network
// must outlive the client and its connections. When the process is killed, its connections are
// reset and their handlers destroyed.
class websocket_client final : public websocket::client {
 public:
  // Messages on their way that a writer need not wait for.
  static constexpr std::size_t window_bytes = 256 * 1024;

  websocket_client(network& net, executor ex, std::string name = "client");

  executor get_executor() const override { return executor_; }

 private:
  void start(websocket::connect_request request,
             asio::any_completion_handler<void(error_code, std::unique_ptr<websocket::connection>,
                                               websocket::connect_summary)>
                 done) override;

  std::shared_ptr<detail::network_state> state_;
  executor executor_;
  std::string name_;
};

}  // namespace tidewire::lab
