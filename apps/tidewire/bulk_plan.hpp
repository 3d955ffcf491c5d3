#pragma once

#include <tidewire/mail/message.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire::cli {

// One message for each row of a table.
struct bulk_plan {
  struct letter {
    std::size_t line = 0;
    mail::message message;
  };
  std::vector<letter> letters;
  std::string batch;
  std::vector<std::string> faults;  // not empty: nothing may be sent

  static constexpr std::size_t max_rows = 100'000;
  static constexpr std::size_t max_faults = 20;  // more of them help nobody
};

// Makes the messages of `base` and a CSV table: column `to` is the recipient, `id` names the row,
// and {{column}} in subject, text and HTML is what the row says there (made harmless in HTML). Ids
// are made of `batch` and of the row's id or recipient; without a batch of a digest of table and
// message, so that the same run twice is one. Everything is checked; pure but for the checks.
bulk_plan make_bulk_plan(std::string_view csv, const mail::message& base, std::string batch,
                         const mail::message_limits& limits);

}  // namespace tidewire::cli
