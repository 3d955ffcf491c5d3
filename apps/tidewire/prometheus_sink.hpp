#pragma once

#include <tidewire/core/metrics.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace tidewire::app {

// Collects what the modules report and renders it as Prometheus text (prometheus-cpp). Thread-safe.
//
// Bounded: at most max_families names, and max_series labels a name; what comes beyond is counted
// under the label value "other", or dropped when the name itself is one too many. A name keeps the
// kind (counter, gauge, histogram) of its first use.
class prometheus_sink final : public metrics_sink {
 public:
  static constexpr std::size_t max_families = 256;
  static constexpr std::size_t max_series = 32;
  static constexpr std::size_t max_label_bytes = 64;

  prometheus_sink();
  ~prometheus_sink() override;

  void count(std::string_view name, double increment, std::string_view label = {}) override;
  void gauge(std::string_view name, double value, std::string_view label = {}) override;
  void observe(std::string_view name, double value, std::string_view label = {}) override;

  std::string render() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tidewire::app
