#pragma once

#include "screening.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/server/http_server.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tidewire::server {

// What every connection of one server shares; read only once the server listens.
struct edge {
  edge(context c, http_server_options o, handler a)
      : ctx(std::move(c)), options(std::move(o)), answer(std::move(a)) {}

  context ctx;
  http_server_options options;
  handler answer;
  screening_policy policy;

  void refused(std::string_view reason, std::string_view peer) const;
  void answered(const request& req, unsigned status) const;
};

// One accepted connection with its own strand.
class connection : public std::enable_shared_from_this<connection> {
 public:
  virtual ~connection() = default;
  // Serves requests until the end; then calls `gone`, on this connection's strand.
  virtual void start(std::function<void()> gone) = 0;
  // No further request; the one being answered may end. From any thread.
  virtual void begin_stop() = 0;
  // Ends at once, also a handler that waits. From any thread.
  virtual void force_close() = 0;
};

std::shared_ptr<connection> make_connection(std::shared_ptr<edge> shared,
                                            asio::ip::tcp::socket socket, std::string peer);

}  // namespace tidewire::server
