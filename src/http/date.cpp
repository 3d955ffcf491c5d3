#include "http/parse.hpp"

#include <tidewire/http/date.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace tidewire::http {
namespace {

using namespace detail;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr std::array<std::string_view, 7> weekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                      "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// The years that four digits can say.
constexpr sys_seconds first_date = sys_days(std::chrono::year(0) / 1 / 1);
constexpr sys_seconds last_date = sys_days(std::chrono::year(9999) / 12 / 31) + seconds(86399);

// Exactly `digits` digits.
std::optional<int> take_number(std::string_view& s, std::size_t digits) {
  auto value = parse_number(s.substr(0, digits), 9999);
  if (!value || s.size() < digits) return std::nullopt;
  s.remove_prefix(digits);
  return static_cast<int>(*value);
}

std::optional<int> take_month(std::string_view& s) {
  for (int i = 0; i < 12; ++i)
    if (take(s, months[static_cast<std::size_t>(i)])) return i + 1;
  return std::nullopt;
}

bool take_weekday(std::string_view& s, bool whole) {
  for (auto day : weekdays)
    if (take(s, whole ? day : day.substr(0, 3))) return true;
  return false;
}

std::optional<seconds> take_time(std::string_view& s) {
  auto h = take_number(s, 2);
  if (!h || !take(s, ":")) return std::nullopt;
  auto m = take_number(s, 2);
  if (!m || !take(s, ":")) return std::nullopt;
  auto sec = take_number(s, 2);
  // 60 is a leap second.
  if (!sec || *h > 23 || *m > 59 || *sec > 60) return std::nullopt;
  return seconds(*h * 3600 + *m * 60 + *sec);
}

std::optional<sys_seconds> assemble(std::optional<int> year, std::optional<int> month,
                                    std::optional<int> day, std::optional<seconds> time) {
  if (!year || !month || !day || !time) return std::nullopt;
  auto date = std::chrono::year(*year) / *month / *day;
  if (!date.ok()) return std::nullopt;
  return sys_days(date) + *time;
}

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<sys_seconds> parse_imf(std::string_view s) {
  if (!take_weekday(s, false) || !take(s, ", ")) return std::nullopt;
  auto day = take_number(s, 2);
  if (!take(s, " ")) return std::nullopt;
  auto month = take_month(s);
  if (!take(s, " ")) return std::nullopt;
  auto year = take_number(s, 4);
  if (!take(s, " ")) return std::nullopt;
  auto time = take_time(s);
  if (s != " GMT") return std::nullopt;
  return assemble(year, month, day, time);
}

// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<sys_seconds> parse_rfc850(std::string_view s) {
  if (!take_weekday(s, true) || !take(s, ", ")) return std::nullopt;
  auto day = take_number(s, 2);
  if (!take(s, "-")) return std::nullopt;
  auto month = take_month(s);
  if (!take(s, "-")) return std::nullopt;
  auto year = take_number(s, 2);
  if (!take(s, " ")) return std::nullopt;
  auto time = take_time(s);
  if (s != " GMT") return std::nullopt;
  // POSIX' pivot. RFC 9110 wants one that moves with the clock, which a pure function has not got.
  if (year) *year += *year < 70 ? 2000 : 1900;
  return assemble(year, month, day, time);
}

// Sun Nov  6 08:49:37 1994
std::optional<sys_seconds> parse_asctime(std::string_view s) {
  if (!take_weekday(s, false) || !take(s, " ")) return std::nullopt;
  auto month = take_month(s);
  if (!take(s, " ")) return std::nullopt;
  auto day = take_number(s, take(s, " ") ? 1 : 2);
  if (!take(s, " ")) return std::nullopt;
  auto time = take_time(s);
  if (!take(s, " ")) return std::nullopt;
  auto year = take_number(s, 4);
  if (!s.empty()) return std::nullopt;
  return assemble(year, month, day, time);
}

}  // namespace

std::optional<sys_seconds> parse_date(std::string_view text) {
  if (auto out = parse_imf(text)) return out;
  if (auto out = parse_rfc850(text)) return out;
  return parse_asctime(text);
}

std::string format_date(sys_seconds when) {
  when = std::clamp(when, first_date, last_date);
  auto day = std::chrono::floor<std::chrono::days>(when);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss time(when - day);
  std::string weekday(weekdays[std::chrono::weekday(day).c_encoding()].substr(0, 3));
  std::string month(months[static_cast<unsigned>(date.month()) - 1]);
  char out[64];
  auto n = std::snprintf(out, sizeof out, "%s, %02u %s %04d %02d:%02d:%02d GMT", weekday.c_str(),
                         static_cast<unsigned>(date.day()), month.c_str(),
                         static_cast<int>(date.year()), static_cast<int>(time.hours().count()),
                         static_cast<int>(time.minutes().count()),
                         static_cast<int>(time.seconds().count()));
  return {out, static_cast<std::size_t>(n)};
}

std::optional<std::chrono::nanoseconds> parse_retry_after(std::string_view text,
                                                          std::chrono::system_clock::time_point now,
                                                          std::chrono::nanoseconds cap) {
  using std::chrono::nanoseconds;
  cap = std::max(cap, nanoseconds(0));
  // In whole seconds first: in nanoseconds a date beyond 2262 would overflow.
  std::int64_t whole = 0;
  nanoseconds part(0);
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_digit)) {
    auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    // More digits than fit: longer than any cap.
    whole = static_cast<std::int64_t>(parse_number(text, limit).value_or(limit));
  } else {
    auto date = parse_date(text);
    if (!date) return std::nullopt;
    // A clock before 1970 is not set; it must not overflow the sums either.
    now = std::max(now, std::chrono::system_clock::time_point());
    auto now_seconds = std::chrono::floor<seconds>(now);
    whole = (*date - now_seconds).count();
    part = now - now_seconds;
  }
  if (whole > std::chrono::duration_cast<seconds>(cap).count()) return cap;
  if (whole <= 0) return nanoseconds(0);
  return std::min(cap, nanoseconds(seconds(whole)) - part);
}

}  // namespace tidewire::http
