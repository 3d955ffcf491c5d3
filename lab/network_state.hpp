#pragma once

#include <tidewire/lab/client.hpp>
#include <tidewire/lab/network.hpp>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::lab::detail {

class exchange;
class lane;
class socket_link;

// A server machine. Programs that ended stay until the network goes: objects of theirs may still
// hold the executor.
struct host_state {
  explicit host_state(network_state& n) : net(n) {}
  network_state& net;
  std::string origin;
  std::vector<std::unique_ptr<process>> programs;
  server::handler answer;  // empty: down
  std::uint64_t incarnation = 0;
  std::uint64_t handled = 0;
  std::map<std::uint64_t, std::weak_ptr<exchange>> exchanges;  // connected, by id

  std::vector<std::weak_ptr<socket_link>> sockets;  // upgraded

  process& program();
};

struct cut {
  std::string origin, client;
  direction d;
  clock::time_point from, until;
};

struct network_state : std::enable_shared_from_this<network_state> {
  network_state(world& w, fault_plan& plan);

  world& w;
  std::array<fault_site*, network_fault_count> sites{};
  rng latency, slices;
  std::map<std::string, std::unique_ptr<host_state>> hosts;
  link_faults default_faults;
  std::map<std::pair<std::string, std::string>, link_faults> faults;  // origin, client
  std::vector<cut> cuts;
  std::vector<std::function<void()>> parked;  // what waits for the end of a partition
  std::vector<std::weak_ptr<lane>> lanes;     // what flies on them keeps its sender
  std::deque<request_record> log;
  std::uint64_t first_logged = 0;  // the number of log.front()
  std::uint64_t requests = 0, events = 0, bytes = 0, next_exchange = 1;

  host_state* find(const std::string& origin);
  const link_faults& faults_of(const std::string& origin, const std::string& client) const;
  std::optional<std::int64_t> draw(const link_faults& f, network_fault kind, std::int64_t low = 0,
                                   std::int64_t high = 999'999);
  clock::duration delay(const link_faults& f);
  std::size_t slice(const link_faults& f);
  // When what arrives now may pass; now itself if there is no partition, max() if none knows.
  clock::time_point passes(const std::string& origin, const std::string& client, direction d) const;
  std::shared_ptr<lane> make_lane(const link_faults& f, const std::string& origin,
                                  const std::string& client, direction d);
  std::uint64_t log_request(request_record r);
  request_record* logged(std::uint64_t number);
};

}  // namespace tidewire::lab::detail
