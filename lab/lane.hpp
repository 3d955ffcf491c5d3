#pragma once

#include "network_state.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace tidewire::lab::detail {

// One direction of a TCP connection: what is sent arrives in the order of sending, or not at all.
class lane : public std::enable_shared_from_this<lane> {
 public:
  lane(std::shared_ptr<network_state> net, const link_faults& faults, std::string origin,
       std::string client, direction d)
      : net_(std::move(net)),
        faults_(faults),
        origin_(std::move(origin)),
        client_(std::move(client)),
        way_(d) {}

  // `arrive` is called when `bytes` have come through. `extra` delays this and all that follows.
  void send(std::size_t bytes, std::function<void()> arrive, clock::duration extra = {});
  void limit_bandwidth(std::uint64_t bytes_per_second) {
    faults_.bytes_per_second = bytes_per_second;
  }
  // Nothing arrives any more.
  void cut() {
    dead_ = true;
    auto lost = std::exchange(flying_, {});  // may own the rest of us
  }
  // What has not arrived yet never will; what is sent from now on does.
  void overtake() {
    flying_.clear();
    last_ = {};
    ++generation_;
    scheduled_ = false;
  }

 private:
  struct piece {
    clock::time_point when;
    std::function<void()> arrive;
  };
  void schedule();
  void front_arrived();

  std::shared_ptr<network_state> net_;
  link_faults faults_;
  std::string origin_, client_;
  direction way_;
  std::deque<piece> flying_;
  clock::time_point free_{}, last_{};
  std::uint64_t generation_ = 0;
  bool scheduled_ = false, dead_ = false;
};

}  // namespace tidewire::lab::detail
