#pragma once

#include <tidewire/core/log.hpp>

#include <spdlog/logger.h>

#include <memory>

namespace tidewire::cli {

// Records of the library as lines of spdlog on stderr: "name=value" behind the event, escaped.
class spdlog_sink final : public log_sink {
 public:
  explicit spdlog_sink(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}
  void write(severity level, std::string_view event,
             std::initializer_list<log_field> fields) override;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

// A logger on stderr, not registered anywhere. `verbose` 0 shows info and above, 1 debug.
std::shared_ptr<spdlog::logger> make_logger(const char* name, unsigned verbose, bool quiet);

}  // namespace tidewire::cli
