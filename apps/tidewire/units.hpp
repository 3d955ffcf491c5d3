#pragma once

#include <tidewire/core/types.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::cli {

// "1048576", "1024K", "1M", "1MiB", "1.5G": bytes, with suffixes of 1024. K, KB and KiB are the
// same, in either case. Nothing for anything else, for negative numbers and beyond 2^63 - 1.
std::optional<std::uint64_t> parse_size(std::string_view text);

// "250ms", "30s", "1.5m", "10m", "2h", "1d", and "90" for seconds. Nothing for anything else and
// beyond 100 years.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

// At most 8 characters: "0 B", "999 B", "1.0 KiB", "12.3 MiB", "1023 GiB".
std::string format_size(std::uint64_t bytes);
std::string format_rate(double bytes_per_second);  // "12.3 MiB/s", at most 10 characters

// "0:07", "12:34", "5:00:00", "3d 04h"; at most 8 characters.
std::string format_clock(std::chrono::seconds time);

// "250 ms", "3.2 s", "4 min 05 s", for sentences.
std::string format_duration(std::chrono::nanoseconds time);

}  // namespace tidewire::cli
