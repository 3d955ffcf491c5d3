#pragma once

#include "link_settings.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/core/context.hpp>
#include <tidewire/lab/proxy.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace tidewire::demo {

// {"seconds": 1 to 600} and nothing else; otherwise the refusal says what `what` wants.
outcome read_seconds(const boost::json::object& how, std::string_view what,
                     std::chrono::seconds& into);

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
  // While set, new connections are reset at once.
  void refuse(bool on);
  // While set, whatever is sent is swallowed without a word, and who has sent then stays deaf.
  void half_open(bool on);

  boost::json::object state() const;

 private:
  static lab::proxy_options options_for(std::uint16_t upstream_port);
  void apply();

  clock clock_;
  link_settings settings_;
  bool refuse_ = false, half_open_ = false;
  lab::proxy proxy_;
  clock::time_point stalled_until_{};
};

}  // namespace tidewire::demo
