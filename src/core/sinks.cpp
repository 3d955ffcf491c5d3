#include <tidewire/core/log.hpp>
#include <tidewire/core/metrics.hpp>

namespace tidewire {
namespace {

class null_metrics final : public metrics_sink {
  void count(std::string_view, double, std::string_view) override {}
  void gauge(std::string_view, double, std::string_view) override {}
  void observe(std::string_view, double, std::string_view) override {}
};

class null_log final : public log_sink {
  void write(severity, std::string_view, std::initializer_list<log_field>) override {}
};

}  // namespace

// Without state, so that sharing one is no singleton in the harmful sense.
metrics_sink& no_metrics() noexcept {
  static null_metrics instance;
  return instance;
}

log_sink& no_log() noexcept {
  static null_log instance;
  return instance;
}

}  // namespace tidewire
