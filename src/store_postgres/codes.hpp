#pragma once

#include <tidewire/store_postgres/error.hpp>

#include <string_view>

namespace tidewire::store_postgres {

// What an SQLSTATE means to us. 57014 is either a time-out or a cancel: the caller knows.
inline errc errc_of(std::string_view state) noexcept {
  struct rule {
    std::string_view begins;
    errc means;
  };
  // The first that fits.
  constexpr rule rules[] = {
      {"08", errc::lost},           {"23", errc::constraint},
      {"25006", errc::unreachable},  // read-only: a standby, or about to be one
      {"25P03", errc::lost},         // idle in a transaction
      {"25", errc::misuse},         {"28", errc::refused},
      {"3D000", errc::refused},     {"40", errc::rolled_back},
      {"42501", errc::refused},     {"53", errc::exhausted},
      {"55006", errc::locked},      {"55P03", errc::locked},
      {"57014", errc::timed_out},   {"57P01", errc::lost},  // the administrator ended it
      {"57P02", errc::lost},                                // another process of the server crashed
      {"57P03", errc::unreachable}, {"57P04", errc::refused},  // the database was dropped
      {"57P05", errc::lost},        {"58", errc::exhausted},
      {"0A", errc::misuse},         {"22", errc::misuse},
      {"26", errc::misuse},         {"3F", errc::misuse},
      {"42", errc::misuse},
  };
  for (const auto& r : rules)
    if (state.starts_with(r.begins)) return r.means;
  return errc::failed;
}

}  // namespace tidewire::store_postgres
