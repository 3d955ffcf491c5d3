#include <tidewire/queue/cron.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string>
#include <vector>

namespace tidewire::queue {
namespace {

using namespace std::chrono;

// A leap day comes again after at most eight years.
constexpr days furthest{8 * 366 + 2};
constexpr seconds longest_every = hours(24 * 366);

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue", "wed",
                                                        "thu", "fri", "sat"};

std::optional<int> number(std::string_view text) {
  int out = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

template <class Names>
std::optional<int> value_of(std::string_view text, const Names& names, int first) {
  auto name = lower(text);
  auto it = std::find(names.begin(), names.end(), name);
  if (it != names.end()) return static_cast<int>(it - names.begin()) + first;
  return number(text);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (true) {
    auto end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

// One field: lists of *, n, a-b, each with a step. `low` and `high` are what a value may be.
template <std::size_t N, class Names>
bool read_field(std::bitset<N>& out, std::string_view field, int low, int high, const Names& names,
                int first_name) {
  for (auto part : split(field, ',')) {
    int step = 1;
    if (auto slash = part.find('/'); slash != part.npos) {
      auto n = number(part.substr(slash + 1));
      if (!n || *n < 1) return false;
      step = *n;
      part = part.substr(0, slash);
    }
    int from = low, to = high;
    if (part != "*") {
      auto dash = part.find('-');
      auto a = value_of(part.substr(0, dash), names, first_name);
      auto b = dash == part.npos ? a : value_of(part.substr(dash + 1), names, first_name);
      if (!a || !b) return false;
      from = *a;
      // "5/10" means from 5 on.
      to = dash == part.npos && step > 1 ? high : *b;
    }
    if (from < low || to > high || from > to) return false;
    for (int v = from; v <= to; v += step) out.set(static_cast<std::size_t>(v) % N);
  }
  return true;
}

std::optional<seconds> read_duration(std::string_view text) {
  seconds out{0};
  while (!text.empty()) {
    auto unit = text.find_first_not_of("0123456789");
    if (unit == text.npos || unit == 0) return std::nullopt;
    auto n = number(text.substr(0, unit));
    if (!n) return std::nullopt;
    switch (text[unit]) {
      case 's':
        out += seconds(*n);
        break;
      case 'm':
        out += minutes(*n);
        break;
      case 'h':
        out += hours(*n);
        break;
      case 'd':
        out += days(*n);
        break;
      default:
        return std::nullopt;
    }
    text.remove_prefix(unit + 1);
  }
  if (out < seconds(1) || out > longest_every) return std::nullopt;
  return out;
}

std::string_view spelled_out(std::string_view text) {
  if (text == "@yearly" || text == "@annually") return "0 0 1 1 *";
  if (text == "@monthly") return "0 0 1 * *";
  if (text == "@weekly") return "0 0 * * 0";
  if (text == "@daily" || text == "@midnight") return "0 0 * * *";
  if (text == "@hourly") return "0 * * * *";
  return text;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  for (auto word : split(text, ' '))
    if (!word.empty()) out.push_back(word);
  return out;
}

}  // namespace

result<cron_schedule> cron_schedule::parse(std::string_view text) {
  constexpr std::size_t longest_text = 200;
  constexpr std::array<std::string_view, 0> no_names{};
  cron_schedule out;
  if (text.size() > longest_text) return make_error_code(errc::bad_cron);
  auto fields = words(spelled_out(text));
  if (fields.size() == 2 && fields[0] == "@every") {
    auto every = read_duration(fields[1]);
    if (!every) return make_error_code(errc::bad_cron);
    out.every_ = *every;
    return out;
  }
  bool good = fields.size() == 5 && read_field(out.minutes_, fields[0], 0, 59, no_names, 0) &&
              read_field(out.hours_, fields[1], 0, 23, no_names, 0) &&
              read_field(out.days_, fields[2], 1, 31, no_names, 0) &&
              read_field(out.months_, fields[3], 1, 12, month_names, 1) &&
              read_field(out.weekdays_, fields[4], 0, 7, weekday_names, 0);  // 7 is Sunday too
  if (!good) return make_error_code(errc::bad_cron);
  out.any_day_ = fields[2].starts_with('*');
  out.any_weekday_ = fields[4].starts_with('*');
  sys_days day = year(2000) / 1 / 1;
  auto end = day + furthest;
  while (day < end && !out.fires_on(day)) day += days(1);
  if (day == end) return make_error_code(errc::cron_never_fires);
  return out;
}

bool cron_schedule::fires_on(sys_days day) const {
  year_month_day date(day);
  if (!months_[static_cast<unsigned>(date.month())]) return false;
  bool by_day = days_[static_cast<unsigned>(date.day())];
  bool by_weekday = weekdays_[weekday(day).c_encoding()];
  if (any_day_ || any_weekday_) return by_day && by_weekday;
  return by_day || by_weekday;
}

sys_seconds cron_schedule::next(sys_seconds after) const {
  if (every_ > seconds(0)) {
    auto n = after.time_since_epoch() / every_;
    return sys_seconds((n + 1) * every_);
  }
  auto at = floor<minutes>(after) + minutes(1);
  auto day = floor<days>(at);
  auto end = day + furthest;
  for (; day < end; day += days(1), at = day) {
    if (!fires_on(day)) continue;
    auto into = duration_cast<minutes>(at - day).count();
    for (auto m = into; m < 24 * 60; ++m) {
      if (hours_[static_cast<std::size_t>(m / 60)] && minutes_[static_cast<std::size_t>(m % 60)])
        return day + minutes(m);
    }
  }
  return sys_seconds::max();
}

std::optional<sys_seconds> cron_schedule::last(sys_seconds up_to) const {
  if (every_ > seconds(0)) return sys_seconds(up_to.time_since_epoch() / every_ * every_);
  auto day = floor<days>(up_to);
  auto into = duration_cast<minutes>(up_to - day).count();
  for (auto end = day - days(367); day > end; day -= days(1), into = 24 * 60 - 1) {
    if (!fires_on(day)) continue;
    for (auto m = into; m >= 0; --m) {
      if (hours_[static_cast<std::size_t>(m / 60)] && minutes_[static_cast<std::size_t>(m % 60)])
        return day + minutes(m);
    }
  }
  return std::nullopt;
}

}  // namespace tidewire::queue
