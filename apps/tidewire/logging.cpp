#include "logging.hpp"

#include "escape.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace tidewire::cli {

void spdlog_sink::write(severity level, std::string_view event,
                        std::initializer_list<log_field> fields) {
  // The server's access record, which the library thinks of as detail, is what an operator reads.
  if (event == "http.request") level = severity::info;
  auto to = level == severity::debug     ? spdlog::level::debug
            : level == severity::info    ? spdlog::level::info
            : level == severity::warning ? spdlog::level::warn
                                         : spdlog::level::err;
  if (!logger_->should_log(to)) return;
  std::string line(event);
  for (auto& f : fields) {
    line += ' ';
    line += f.name;
    line += '=';
    line += escape_terminal(f.value);
  }
  logger_->log(to, line);
}

std::shared_ptr<spdlog::logger> make_logger(const char* name, unsigned verbose, bool quiet) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>(name, std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->set_level(quiet         ? spdlog::level::warn
                    : verbose > 0 ? spdlog::level::debug
                                  : spdlog::level::info);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

}  // namespace tidewire::cli
