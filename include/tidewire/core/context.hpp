#pragma once

#include <tidewire/core/hooks.hpp>
#include <tidewire/core/log.hpp>
#include <tidewire/core/metrics.hpp>
#include <tidewire/core/rng.hpp>
#include <tidewire/core/types.hpp>

#include <utility>

namespace tidewire {

// What every Tidewire object is given by its owner: where to run, what time it is (the executor's
// context knows), randomness, and where to report. Borrowed pointers must outlive the object.
struct context {
  context(executor ex, rng r) : exec(std::move(ex)), random(r) {}

  executor exec;
  rng random;
  metrics_sink* metrics = &no_metrics();
  log_sink* log = &no_log();
  connectivity* network = nullptr;         // optional: assume online
  authenticator* authorization = nullptr;  // optional: send none
};

}  // namespace tidewire
