#pragma once

#include "link_settings.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/core/context.hpp>
#include <tidewire/lab/proxy.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <cstdint>

namespace tidewire::demo {

// The bad network between the client and the server under test. Used on the demo's thread.
class faulty_link {
 public:
  faulty_link(context ctx, std::uint16_t upstream_port);

  result<void> listen();
  std::uint16_t port() const { return proxy_.port(); }
  asio::awaitable<void> run();  // until stop()
  void stop() { proxy_.stop(); }

  outcome change(const boost::json::object& settings);
  void cut() { proxy_.reset_all(); }
  // {"seconds": 1..600}
  outcome stall(const boost::json::object& how);

  boost::json::object state() const;

 private:
  static lab::proxy_options options_for(std::uint16_t upstream_port);

  clock clock_;
  link_settings settings_;
  lab::proxy proxy_;
  clock::time_point stalled_until_{};
};

}  // namespace tidewire::demo
