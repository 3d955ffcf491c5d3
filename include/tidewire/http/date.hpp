#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::http {

// HTTP dates (RFC 9110, 5.6.7): reads all three forms, writes IMF-fixdate.
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text);
std::string format_date(std::chrono::sys_seconds when);

// Retry-After (RFC 9110, 10.2.3) as a delay from `now`: seconds or a date, never negative, cut to
// `cap`. Nothing when malformed.
std::optional<std::chrono::nanoseconds> parse_retry_after(std::string_view text,
                                                          std::chrono::system_clock::time_point now,
                                                          std::chrono::nanoseconds cap);

}  // namespace tidewire::http
