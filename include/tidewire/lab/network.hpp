#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/lab/fault_plan.hpp>
#include <tidewire/lab/link_faults.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/server/message.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace tidewire::lab {

namespace detail {
struct network_state;
struct host_state;
}  // namespace detail

// One request that a client sent, as a passer-by would have seen it.
struct request_record {
  std::string client, origin, method, target, range;
  clock::time_point asked;  // when the client called for it: it may have waited for a connection
  clock::time_point sent;   // when the client began to send
  // When the head of the answer left the server; not set while, or because, there is none.
  std::optional<clock::time_point> answered;
  std::optional<clock::time_point> received;        // when that head reached the client
  unsigned status = 0;                              // of that answer
  std::optional<std::chrono::seconds> retry_after;  // of that answer, when in seconds
};

enum class direction { both, to_server, to_client };

// A server machine of the simulated network. Each run of its program is a lab::process.
class host {
 public:
  // Begins to serve; a running program is crashed first. Handlers run on get_executor().
  void start(server::handler answer);
  // The program dies (SIGKILL): its handlers are destroyed where they wait, its connections reset.
  // With `silent` the machine dies: nobody is told, the connections just fall silent.
  void crash(bool silent = false);
  bool up() const;
  // crash() and start().
  void restart(server::handler answer) { start(std::move(answer)); }
  // Of the program to start next, or running: give it to the server's objects, so that a crash
  // takes them along. Another one after each crash.
  executor get_executor();
  // Handlers begun so far.
  std::uint64_t handled() const;

 private:
  friend class network;
  explicit host(detail::host_state& state) : state_(&state) {}
  detail::host_state* state_;
};

// Hosts by origin, the ways to them, and what happens on those. Clients are lab::client. Must
// outlive its clients; the world and the plan must outlive it. Single-threaded, on the world's
// thread.
class network {
 public:
  // The newest requests are kept; requests_sent() counts all.
  static constexpr std::size_t max_logged_requests = 65'536;

  network(world& w, fault_plan& faults);
  ~network();
  network(const network&) = delete;
  network& operator=(const network&) = delete;

  // A host for "http://name:port" (lower case, port always given); down until start(). The same
  // host for the same origin.
  host add_host(const std::string& origin);

  // How links behave from now on (exchanges under way keep what they began with): all of them,
  // those to one origin, or those of one client to one origin; the most specific one counts.
  void set_faults(link_faults faults);
  void set_faults(const std::string& origin, link_faults faults);
  void set_faults(const std::string& origin, const std::string& client, link_faults faults);

  // Nothing passes between the two times. What was sent arrives late, as TCP sends it again, if the
  // exchange has the patience. Empty names mean everyone.
  void partition(const std::string& origin, const std::string& client, direction d,
                 clock::time_point from, clock::time_point until);
  void partition(const std::string& origin, direction d = direction::both) {
    partition(origin, {}, d, clock::time_point::min(), clock::time_point::max());
  }
  // Ends all partitions.
  void heal();

  const std::deque<request_record>& request_log() const;
  std::uint64_t requests_sent() const;
  // Pieces that arrived, connections made, resets …: the unit of "events per second".
  std::uint64_t events() const;
  std::uint64_t body_bytes_delivered() const;

 private:
  friend class client;
  friend class websocket_client;
  std::shared_ptr<detail::network_state> state_;
};

}  // namespace tidewire::lab
