#pragma once

#include <string_view>

namespace tidewire {

// Where a module reports what it does. Names are snake_case with the unit as suffix
// ("tidewire_transfer_bytes_total"); `label` is one "key=value" pair or empty.
//
// Implementations must be thread-safe and must not block. The default one ignores everything.
class metrics_sink {
 public:
  virtual ~metrics_sink() = default;
  virtual void count(std::string_view name, double increment, std::string_view label = {}) = 0;
  virtual void gauge(std::string_view name, double value, std::string_view label = {}) = 0;
  virtual void observe(std::string_view name, double value, std::string_view label = {}) = 0;
};

metrics_sink& no_metrics() noexcept;

}  // namespace tidewire
