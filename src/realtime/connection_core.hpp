#pragma once

#include "realtime/connection_fsm.hpp"
#include "realtime/message_transport.hpp"
#include "realtime/polling_transport.hpp"
#include "realtime/publish_queue.hpp"
#include "realtime/socket_transport.hpp"
#include "realtime/transport_context.hpp"

#include <tidewire/core/timer.hpp>
#include <tidewire/realtime/realtime_connection.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::realtime {

// The signals, apart from the rest: they go when the connection is destroyed, whoever is just being
// notified, and nothing is delivered after that.
struct connection_signals {
  signal<message> messages;
  signal<reset> resets;
  signal<connected_event> connected;
  signal<disconnected_event> disconnected;
  signal<error_event> errors;
};

// Somebody who waits for an outcome: on a timer that never comes, and is cancelled when it is
// known.
template <class Outcome>
struct waiter {
  explicit waiter(const executor& ex) : wait(ex) { wait.expires_at(clock::time_point::max()); }
  void finish(Outcome o) {
    outcome = std::move(o);
    wait.cancel();
  }
  timer wait;
  std::optional<Outcome> outcome;
};

// Carries out what the state machine, the gates, the heartbeat and the queue decide. Lives on the
// executor, as long as anything of it is under way.
class connection_core final : private transport_sink,
                              public std::enable_shared_from_this<connection_core> {
 public:
  using connect_result = std::pair<error_code, mode>;
  using publish_result = std::pair<error_code, publish_receipt>;

  connection_core(context ctx, connection_parts parts, connection_options options,
                  std::unique_ptr<message_codec> codec);

  asio::awaitable<connect_result> connect();
  asio::awaitable<publish_result> publish(publication p);
  bool send(std::string frame);
  // Ends everything; `gracefully` with a close frame and a last save.
  void stop(bool gracefully);
  // The same, and not a word to listeners any more.
  void abandon();

  connection_status status() const;
  cursor cursor_of(const std::string& channel) const;
  const std::string& client_id() const { return client_id_; }
  const std::shared_ptr<transport_context>& shared() const { return shared_; }
  connection_signals& signals() { return *signals_; }

 private:
  std::vector<channel_cursor> begin_generation(std::uint64_t generation) override;
  void on_event(std::uint64_t generation, server_event event) override;
  void on_lost(std::uint64_t generation, socket_failure failure) override;
  delivery_gate& gate_of(const std::string& channel) override;
  void on_polled(const std::string& channel) override;
  void on_trouble(error_code ec, const std::string& detail) override;
  const publication* next_publication(std::uint64_t generation, std::size_t in_flight) override;
  void on_acked(const publish_ack& ack) override;
  void on_nacked(const publish_nack& nack) override;
  void on_unanswered(std::uint64_t generation, bool sent) override;

  error_code fault_of_options() const;
  asio::awaitable<error_code> load();
  void apply(connection_fsm::actions all);
  void carry_out(const fsm_action& a);
  void open_socket(std::uint64_t generation, bool refresh);
  void finish_connect(const fsm_action& a);
  void catch_up();
  void welcome_channels(std::uint64_t generation, const welcome& w);
  void deliver(delivery_gate& gate);
  void settle(std::optional<publish_receipt> receipt);
  void make_room();
  void watch_connectivity();

  // The one timer.
  void rearm();
  void on_timer();
  void look_at_socket();
  void cursors_moved();
  void save_if_due();
  asio::awaitable<void> save();

  std::shared_ptr<transport_context> shared_;
  cursor_store* store_;
  std::string client_id_;
  clock clock_;
  std::shared_ptr<connection_signals> signals_;  // null once abandoned
  connection_fsm fsm_;
  std::map<std::string, delivery_gate> gates_;
  publish_queue queue_;
  std::uint64_t published_ = 0;
  std::shared_ptr<socket_transport> socket_;
  std::shared_ptr<polling_transport> polling_;
  timer wake_;
  std::optional<clock::time_point> armed_;
  signal<bool>::connection network_changed_;
  std::vector<std::shared_ptr<waiter<connect_result>>> connecting_;
  std::map<std::string, std::shared_ptr<waiter<publish_receipt>>> publishing_;
  std::vector<std::shared_ptr<waiter<bool>>> room_;
  std::optional<clock::time_point> save_at_;
  cursor_map saved_;
  std::uint64_t delivered_ = 0;
  bool loaded_ = false, loading_ = false, saving_ = false, stopped_ = false;
};

}  // namespace tidewire::realtime
