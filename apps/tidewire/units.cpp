#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace tidewire::cli {
namespace {

struct quantity {
  double value;
  std::string unit;  // lower case
};

// Digits with at most one point, then letters. No sign, no exponent, no inf or nan.
std::optional<quantity> split(std::string_view text) {
  auto end = text.find_first_not_of("0123456789.");
  auto number = text.substr(0, end);
  auto unit = end == text.npos ? std::string_view() : text.substr(end);
  if (number.empty() || number.size() > 24 || unit.size() > 4) return {};
  quantity q{};
  auto [stop, fault] = std::from_chars(number.data(), number.data() + number.size(), q.value,
                                       std::chars_format::fixed);
  if (fault != std::errc() || stop != number.data() + number.size()) return {};
  for (auto c : unit) q.unit += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return q;
}

constexpr std::array size_units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  // Plain integers are exact beyond what a double holds.
  std::uint64_t plain = 0;
  auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), plain);
  if (fault == std::errc() && stop == text.data() + text.size() && !text.empty())
    return plain <= INT64_MAX ? std::optional(plain) : std::nullopt;

  auto q = split(text);
  if (!q) return {};
  constexpr std::string_view letters = "kmgtpe";
  double factor = 1;
  if (q->unit != "b" && !q->unit.empty()) {
    auto power = letters.find(q->unit[0]);
    auto rest = std::string_view(q->unit).substr(1);
    if (power == letters.npos || (rest != "" && rest != "b" && rest != "ib")) return {};
    factor = std::ldexp(1.0, 10 * static_cast<int>(power + 1));
  } else if (q->value != std::floor(q->value)) {
    return {};  // no fractions of bytes
  }
  auto bytes = q->value * factor;
  if (bytes >= std::ldexp(1.0, 63)) return {};
  return static_cast<std::uint64_t>(bytes);
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  auto q = split(text);
  if (!q) return {};
  double seconds = 0;
  if (q->unit == "ms")
    seconds = q->value / 1000;
  else if (q->unit == "s" || q->unit.empty())
    seconds = q->value;
  else if (q->unit == "m" || q->unit == "min")
    seconds = q->value * 60;
  else if (q->unit == "h")
    seconds = q->value * 3600;
  else if (q->unit == "d")
    seconds = q->value * 86400;
  else
    return {};
  if (seconds > 100 * 365.25 * 86400) return {};
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

std::string format_size(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.95 would be rounded to a fifth digit: it belongs to the next unit.
  while (value >= 1023.95 && unit + 1 < size_units.size()) {
    value /= 1024;
    ++unit;
  }
  if (value >= 99.95) return fmt::format("{:.0f} {}", std::min(value, 1023.0), size_units[unit]);
  return fmt::format("{:.1f} {}", value, size_units[unit]);
}

std::string format_rate(double bytes_per_second) {
  if (!(bytes_per_second > 0)) return "0 B/s";
  auto bounded = std::min(bytes_per_second, 9e18);
  return format_size(static_cast<std::uint64_t>(bounded)) + "/s";
}

std::string format_clock(std::chrono::seconds time) {
  auto s = std::max<std::int64_t>(time.count(), 0);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  if (s < 86400) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  if (s < 100 * 86400) return fmt::format("{}d {:02}h", s / 86400, s / 3600 % 24);
  return s < 10000LL * 86400 ? fmt::format("{}d", s / 86400) : ">9999d";
}

std::string format_duration(std::chrono::nanoseconds time) {
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 60'000) return fmt::format("{:.1f} s", static_cast<double>(ms - ms % 100) / 1000);
  auto s = ms / 1000;
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

}  // namespace tidewire::cli
