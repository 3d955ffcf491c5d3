#pragma once

#include "delivery_audit.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/http/client.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace tidewire::demo {

// Reads a channel's log straight from the server, past every faulty link and without the library's
// connection: what the clients were given is held against it.
class log_reader {
 public:
  log_reader(const context& ctx, std::uint16_t server_port, std::string channel);

  asio::awaitable<void> run();  // until stop()
  void stop();

  const known_log& log() const { return log_; }

 private:
  asio::awaitable<bool> read_once();
  void take(const std::string& text);
  void take_gone(const std::string& text);

  std::unique_ptr<http::client> http_;
  timer wake_;
  std::string base_;
  known_log log_;
  std::uint64_t next_ = 0;
  bool stopping_ = false;
};

}  // namespace tidewire::demo
