#pragma once

#include "refusal.hpp"

#include <tidewire/lab/proxy.hpp>

#include <boost/json/object.hpp>

#include <cstdint>

namespace tidewire::demo {

// What a person can set about the link, in the console's units.
struct link_settings {
  std::int64_t latency_ms = 20;
  std::int64_t jitter_ms = 5;
  double loss_percent = 0;
  std::int64_t bytes_per_second = 8 * 1024 * 1024;  // of each connection; 0: unlimited
  double reset_percent_per_mib = 0;
  bool offline = false;

  // Takes over the members that `changes` has. All or none: with an unknown name, a wrong type or a
  // value out of bounds nothing changes and the refusal says what is wrong.
  outcome apply(const boost::json::object& changes);

  lab::proxy_faults faults() const;
  boost::json::object json() const;
};

}  // namespace tidewire::demo
