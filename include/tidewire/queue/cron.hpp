#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/queue/error.hpp>

#include <bitset>
#include <chrono>
#include <optional>
#include <string_view>

namespace tidewire::queue {

// When a recurring task is due, in UTC. Five fields as cron has them (minute, hour, day of the
// month, month, day of the week; lists, ranges, steps, names; with both days restricted either may
// match),
// @yearly @monthly @weekly @daily @hourly, or @every with a duration such as 90s, 5m or 1h30m,
// counted from 1970 on, so that all workers agree. Pure; thread-safe. (Source: crontab(5).)
class cron_schedule {
 public:
  // errc::bad_cron; errc::cron_never_fires for a date that no year has.
  static result<cron_schedule> parse(std::string_view text);

  // The first tick that is later.
  std::chrono::sys_seconds next(std::chrono::sys_seconds after) const;
  // The last tick that is not later, looking back a year and a day at most.
  std::optional<std::chrono::sys_seconds> last(std::chrono::sys_seconds up_to) const;

 private:
  bool fires_on(std::chrono::sys_days day) const;

  std::chrono::seconds every_{0};  // above zero: the fields are not used
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_day_ = true, any_weekday_ = true;
};

}  // namespace tidewire::queue
