#include "message_text.hpp"

#include <tidewire/core/json_text.hpp>

#include <cstdio>

namespace tidewire::server {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out += out.back() == '{' ? "\"" : ",\"";
  out += name;
  out += "\":";
  append_json_string(out, text);
}

// A chat message's id as the lesson makes it: a string; a number serves as well.
std::optional<std::string> id_of(std::string_view value) {
  if (auto text = json_string(value)) return text;
  if (json_uint(value)) return std::string(value);
  return std::nullopt;
}

}  // namespace

std::string rfc3339(message_time t) {
  auto day = std::chrono::floor<std::chrono::days>(t);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss time(t - day);
  char out[40];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", int(date.year()),
                unsigned(date.month()), unsigned(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return out;
}

std::optional<lost_cursor> judge_cursor(const log_state& log, const realtime::subscription& at) {
  using enum realtime::reset_reason;
  if (at.epoch && *at.epoch != log.epoch) return lost_cursor{log.oldest - 1, epoch};
  if (!at.since) return std::nullopt;
  if (*at.since > log.head) return lost_cursor{log.head, epoch};
  if (*at.since + 1 < log.oldest) return lost_cursor{log.oldest - 1, trimmed};
  return std::nullopt;
}

std::uint64_t next_of(const log_page& page, std::uint64_t since) {
  return page.messages.empty() ? since : page.messages.back().offset;
}

std::string page_text(const log_page& page, std::uint64_t since) {
  auto next = next_of(page, since);
  std::string out = "{";
  append_member(out, "epoch", page.log.epoch);
  out += ",\"next\":" + std::to_string(next) + ",\"head\":" + std::to_string(page.log.head);
  out += next < page.log.head ? ",\"more\":true" : ",\"more\":false";
  out += ",\"messages\":[";
  for (const auto& m : page.messages) {
    out += out.back() == '[' ? "{\"off\":" : ",{\"off\":";
    out += std::to_string(m.offset);
    append_member(out, "id", m.id);
    append_member(out, "ts", rfc3339(m.time));
    if (!m.user.empty()) append_member(out, "user", m.user);
    out += ",\"d\":" + m.data + "}";
  }
  return out + "]}";
}

std::string notification_text(const stored_message& m) {
  std::string out = "{";
  append_member(out, "id", m.id);
  auto object = json_object_view::parse(m.data);
  auto said = object ? object->find("message") : std::nullopt;
  out += ",\"message\":" + std::string(said.value_or(m.data));
  append_member(out, "ts", rfc3339(m.time));
  if (!said) return out + "}";
  for (const auto& member : object->members()) {
    if (member.name == "id" || member.name == "message" || member.name == "ts") continue;
    out += ',';
    append_json_string(out, member.name);
    out += ':';
    out += member.value;
  }
  return out + "}";
}

std::string chat_text(const stored_message& m) {
  auto object = json_object_view::parse(m.data);
  auto id = object ? object->find("id") : std::nullopt;
  if (id && object->find("text") && id_of(*id)) return m.data;
  std::string out = "{";
  append_member(out, "id", m.id);
  if (auto text = object ? object->find("text") : std::nullopt)
    out += ",\"text\":" + std::string(*text);
  else
    append_member(out, "text", json_string(m.data).value_or(m.data));
  append_member(out, "userId", m.user);
  append_member(out, "timestamp", rfc3339(m.time));
  return out + "}";
}

std::optional<chat_message> read_chat(std::string_view text, const std::string& user,
                                      std::string& why) {
  auto object =
      json_object_view::parse(text, {realtime::max_frame_bytes, realtime::max_payload_depth});
  if (!object) {
    why = object.error().message();
    return std::nullopt;
  }
  auto id = object->find("id");
  auto id_text = id ? id_of(*id) : std::nullopt;
  auto from = object->find("userId");
  auto from_text = from ? json_string(*from) : std::optional(user);
  if (!id_text || !realtime::is_name(*id_text))
    why = "\"id\" must be a string of 1 to 128 bytes";
  else if (!object->find("text"))
    why = "\"text\" is missing";
  else if (!from_text || (!from_text->empty() && !realtime::is_name(*from_text)))
    why = "\"userId\" must be a string of at most 128 bytes";
  else if (text.size() > realtime::max_payload_bytes)
    why = "the message is too large: at most 65536 bytes";
  else
    return chat_message{std::move(*id_text), std::move(*from_text), std::string(text)};
  return std::nullopt;
}

std::string second_id(const chat_message& m) {
  auto out = m.user + ":" + m.id;
  return realtime::is_name(out) ? out : std::string();
}

}  // namespace tidewire::server
