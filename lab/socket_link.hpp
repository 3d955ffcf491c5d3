#pragma once

#include "lane.hpp"
#include "websocket/delivery.hpp"

#include <tidewire/websocket/client.hpp>
#include <tidewire/websocket/connection.hpp>

#include <boost/asio/execution_context.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::lab::detail {

class socket_end;

// An upgraded connection: two ends and the lanes between them. Lives as long as one of the ends, or
// something on its way.
class socket_link : public std::enable_shared_from_this<socket_link> {
 public:
  socket_link(std::shared_ptr<network_state> n, link_faults f, std::shared_ptr<lane> to_server,
              std::shared_ptr<lane> to_client, std::uint64_t number)
      : owner(std::move(n)),
        net(*owner),
        faults(f),
        up(std::move(to_server)),
        down(std::move(to_client)),
        id(number) {}

  // One end's lane to the other.
  lane& lane_of(bool server) { return server ? *down : *up; }
  std::shared_ptr<socket_end> end_of(bool server) {
    return (server ? server_end : client_end).lock();
  }
  void server_died(bool silent);
  // Both ends learn, after a while, that the connection is gone.
  void reset();
  void fall_silent() {
    up->cut();
    down->cut();
  }

  std::shared_ptr<network_state> owner;
  network_state& net;
  link_faults faults;
  std::shared_ptr<lane> up, down;
  bool server_mute = false;  // network_fault::socket_silent
  std::weak_ptr<socket_end> client_end, server_end;
  std::function<void()> unborn;  // a reset came to the client before the answer to its upgrade
  std::uint64_t id;
};

struct socket_frame {
  enum class kind { message, ping, pong, close, reset } what;
  websocket::message content;
  websocket::close_reason reason;
};

// One side of a WebSocket: what arrived and was not read, what may not be sent yet, who waits. The
// rules of the real edge: control frames are met by a read (or by our own close), in their place.
class socket_end : public std::enable_shared_from_this<socket_end> {
 public:
  static std::shared_ptr<socket_end> make(std::shared_ptr<socket_link> link, bool server,
                                          executor ex, websocket::connection_limits limits);
  socket_end(std::shared_ptr<socket_link> link, bool server, executor ex,
             websocket::connection_limits limits);
  ~socket_end();

  void read(websocket::delivery<websocket::message> done);
  void write(std::string_view data, bool text, websocket::delivery<> done);
  void ping(websocket::delivery<> done);
  void close(websocket::close_code code, std::string reason, websocket::delivery<> done);
  void abort();
  // The process ends: nobody is called any more.
  void discard();

  void arrive(socket_frame f);
  void acknowledge(std::size_t bytes);

  const executor& get_executor() const { return executor_; }
  clock::time_point heard() const { return heard_; }
  const websocket::close_reason& reason() const { return reason_; }

 private:
  struct waiting_write {
    socket_frame frame;
    websocket::delivery<> done;
  };

  void pump();
  void take(socket_frame f);
  void transmit(socket_frame f);
  void finish(error_code reader, error_code closer);
  void on_deadline();
  error_code gone() const;

  std::shared_ptr<socket_link> link_;
  bool server_;
  executor executor_;
  websocket::connection_limits limits_;
  std::deque<socket_frame> inbox_;
  std::deque<waiting_write> outbox_;
  std::size_t in_flight_ = 0;  // sent, and not known to have been read
  std::size_t consumed_ = 0;   // read, and not yet told to the sender
  std::optional<websocket::delivery<websocket::message>> reading_;
  std::vector<websocket::delivery<>> closers_;
  websocket::close_reason reason_;
  clock::time_point heard_;
  event_id deadline_;
  std::uint64_t debt_ = 0;
  bool closing_ = false, over_ = false, aborted_ = false, peer_closed_ = false;
};

// The ends that live in one process, so that its kill finds them.
class socket_service final : public asio::execution_context::service {
 public:
  using key_type = socket_service;
  static asio::execution_context::id id;

  explicit socket_service(asio::execution_context& context) : service(context) {}
  static socket_service& of(const executor& ex) {
    return asio::use_service<socket_service>(asio::query(ex, asio::execution::context));
  }

  // What is owed to the process: `drop` is called if it is killed before `forget`.
  std::uint64_t owe(std::function<void()> drop);
  void forget(std::uint64_t debt) { debts_.erase(debt); }

 private:
  void shutdown() override;
  std::map<std::uint64_t, std::function<void()>> debts_;
  std::uint64_t next_ = 1;
};

std::unique_ptr<websocket::connection> make_connection(std::shared_ptr<socket_end> end);

}  // namespace tidewire::lab::detail
