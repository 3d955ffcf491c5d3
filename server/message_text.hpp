#pragma once

#include <tidewire/realtime/frame.hpp>
#include <tidewire/server/message_store.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::server {

// What the hub decides and writes without any I/O.

// "2026-01-02T03:04:05.678Z"
std::string rfc3339(message_time t);

// A cursor that can't be followed: go on behind `next`.
struct lost_cursor {
  std::uint64_t next = 0;
  realtime::reset_reason why = realtime::reset_reason::epoch;
};
// Nothing when everything behind the cursor is in the log. A cursor of the right epoch beyond the
// head comes from a log that was set back; nothing of it is told twice.
std::optional<lost_cursor> judge_cursor(const log_state& log, const realtime::subscription& at);

// {"epoch":…,"next":…,"head":…,"more":…,"messages":[{"off","id","ts","user","d"}]}
std::string page_text(const log_page& page, std::uint64_t since);
// Behind which offset to ask next.
std::uint64_t next_of(const log_page& page, std::uint64_t since);

// {"id":…,"message":…,"ts":…}: what a notification says is its data's "message", or the data
// itself.
std::string notification_text(const stored_message& m);

// The lesson's {id,text,userId,timestamp}. What was published in another shape is given this one.
std::string chat_text(const stored_message& m);
struct chat_message {
  std::string id, user, data;
};
// Reads one; `why` is told what is wrong with it. `user` stands in for a missing userId.
std::optional<chat_message> read_chat(std::string_view text, const std::string& user,
                                      std::string& why);
// The id under which it is kept when another message has its own: the lesson's ids are times in
// milliseconds, and two people may write in the same one. Empty when that would be too long.
std::string second_id(const chat_message& m);

}  // namespace tidewire::server
