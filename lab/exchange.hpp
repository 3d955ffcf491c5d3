#pragma once

#include "network_state.hpp"
#include "reply.hpp"
#include "server_call.hpp"

#include <tidewire/http/client.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::lab::detail {

// Where and how the response's way breaks.
struct breakage {
  enum class kind { reset, close, silence };
  kind what;
  std::uint64_t at;  // bytes of the body; the head does not count
};

// One exchange, both halves of its connection and its faults. Everything that touches the client's
// handler runs on the client's executor. `over` is set once, by finish() or the client's end, and
// after it nothing is called and nothing else is touched.
class exchange final : public http::exchange_control,
                       public std::enable_shared_from_this<exchange> {
 public:
  using completion = asio::any_completion_handler<void(error_code, http::exchange_summary)>;

  exchange(network_state& net, client_state& owner, http::request req,
           http::exchange_handler& handler, completion done);

  void begin();  // checks, and asks the client for a connection
  void connection_granted(bool reused, std::uint64_t incarnation);
  void cancel(error_code ec);     // completes with `ec`
  void cancel_on_client();        // the same from a slot, on the client\'s executor
  completion abandon();           // the client goes: no completion
  void server_died(bool silent);  // the host's program ended
  void resume() override;

  std::uint64_t id() const { return id_; }
  const std::string& origin() const { return origin_; }
  bool over() const { return over_; }

 private:
  enum class arriving { connected, stale, send_reset, head, bytes, end, reset, close };
  struct arrival {
    clock::time_point when;
    arriving what;
    std::vector<std::byte> bytes;
  };

  // exchange_connect.cpp: the way to the server
  void connect();
  void connected();
  void send_request();
  void request_arrived();
  server::request make_server_request();
  void pump_request();
  void send_request_bytes(std::vector<std::byte> bytes);
  void travel_up(clock::duration delay, std::function<void()> then);
  void answered(server::response* answer);
  void repeat_request();
  bool body_may_repeat();

  // exchange.cpp: the way back
  void draw_response_faults(reply& r);
  void start_response(reply r);
  void pump_response();
  bool send_slice();
  void await_body();
  void push(arriving what, std::vector<std::byte> bytes, clock::duration extra = {});
  void schedule_front();
  void front_arrived();
  void deliver();
  void deliver_head();
  bool deliver_bytes(arrival& a);
  void arm(clock::duration limit, error_code ec, const char* detail);
  void disarm();
  void on_client(void (exchange::*step)());
  void fail(error_code ec, std::string detail);
  void finish(error_code ec, bool keep_connection);
  void forget_server();

  network_state& net_;
  client_state* owner_;
  executor ex_;
  http::request req_;
  http::exchange_handler* handler_;
  completion done_;
  http::exchange_summary summary_;
  std::uint64_t id_;
  std::string origin_;
  link_faults faults_;
  host_state* host_ = nullptr;
  std::uint64_t incarnation_ = 0;
  clock::time_point asked_{};
  std::optional<std::uint64_t> log_number_;
  event_id deadline_;
  bool over_ = false, holds_connection_ = false, reused_ = false;

  // request
  std::shared_ptr<server_call> call_;
  clock::time_point up_free_{}, up_last_{};
  std::uint64_t body_sent_ = 0;
  std::optional<std::uint64_t> break_request_at_;
  std::size_t up_flying_ = 0;
  bool body_paused_ = false, body_ended_ = false;

  // response
  std::optional<reply> reply_;
  std::deque<arrival> flying_;
  std::size_t flying_bytes_ = 0;
  std::uint64_t sent_ = 0;
  std::optional<breakage> breakage_;
  std::optional<std::uint64_t> stall_at_, corrupt_at_;
  clock::duration stall_for_{};
  // Set while the body has nothing yet and its ready() runs on the host's process.
  std::shared_ptr<asio::cancellation_signal> body_wait_;
  std::uint64_t bandwidth_ = 0;
  clock::time_point down_free_{}, down_last_{};
  bool scheduled_ = false, paused_ = false, all_sent_ = false, silent_ = false, head_seen_ = false,
       delivering_ = false, resume_wanted_ = false;
};

// A client's connections and exchanges.
struct client_state : std::enable_shared_from_this<client_state> {
  client_state(network_state& n, executor e, client_options o)
      : net(n), ex(std::move(e)), options(std::move(o)) {}

  struct idle_connection {
    std::uint64_t incarnation;
    clock::time_point since;
  };
  struct way {
    std::size_t active = 0;
    std::deque<idle_connection> idle;
    std::deque<std::weak_ptr<exchange>> waiting;
  };

  network_state& net;
  executor ex;
  client_options options;
  std::map<std::uint64_t, std::shared_ptr<exchange>> exchanges;
  std::map<std::string, way> ways;
  std::vector<asio::any_completion_handler<void()>> stop_handlers;
  std::size_t completing = 0;  // handlers about to be called
  bool stopped = false;

  void completed(exchange::completion done, error_code ec, http::exchange_summary summary);
  void tell_stopped();
  void ask_connection(exchange& e);
  void release_connection(const std::string& origin, std::optional<idle_connection> kept);
};

}  // namespace tidewire::lab::detail
