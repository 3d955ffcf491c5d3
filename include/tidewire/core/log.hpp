#pragma once

#include <initializer_list>
#include <string_view>

namespace tidewire {

enum class severity { debug, info, warning, error };

struct log_field {
  std::string_view name;
  std::string_view value;
};

// Structured log records. `event` is a stable identifier; the fields say the rest. No secrets: URLs
// are passed without credentials and query. Implementations must be thread-safe.
class log_sink {
 public:
  virtual ~log_sink() = default;
  virtual void write(severity level, std::string_view event,
                     std::initializer_list<log_field> fields) = 0;
};

log_sink& no_log() noexcept;

}  // namespace tidewire
