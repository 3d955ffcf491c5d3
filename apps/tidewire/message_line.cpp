#include "message_line.hpp"

#include "escape.hpp"

#include <tidewire/core/json_text.hpp>

#include <fmt/format.h>

namespace tidewire::cli {
namespace {

void add(std::string& out, std::string_view name, std::string_view text) {
  out += fmt::format(",\"{}\":", name);
  append_json_string(out, text);
}

// Line breaks between the tokens of a payload are white space: in strings JSON has none.
std::string one_line(const std::string& json) {
  std::string out = json;
  for (char& c : out)
    if (c == '\n' || c == '\r') c = ' ';
  return out;
}

void add_cursor(std::string& out, std::string_view name, const realtime::cursor& c) {
  out += fmt::format(",\"{}\":{{\"epoch\":", name);
  append_json_string(out, c.epoch);
  out += fmt::format(",\"offset\":{}}}", c.offset);
}

}  // namespace

std::string message_line(const realtime::message& m, bool with_channel) {
  auto text = json_string(m.data);
  auto shown = escape_terminal(text ? *text : one_line(m.data));
  return with_channel ? escape_terminal(m.channel) + "\t" + shown : shown;
}

std::string message_json(const realtime::message& m) {
  std::string out = "{\"type\":\"message\"";
  add(out, "channel", m.channel);
  add(out, "epoch", m.epoch);
  out += fmt::format(",\"offset\":{}", m.offset);
  add(out, "id", m.id);
  add(out, "time", m.time);
  return out + ",\"data\":" + one_line(m.data) + "}";
}

std::string reset_json(const realtime::reset& r) {
  std::string out = "{\"type\":\"reset\"";
  add(out, "channel", r.channel);
  add_cursor(out, "from", r.from);
  add_cursor(out, "to", r.to);
  add(out, "reason", r.reason);
  return out + "}";
}

std::string receipt_line(const realtime::publish_receipt& r, std::size_t line) {
  if (r.state == realtime::receipt_state::acked)
    return fmt::format("acked {} {}{}", r.offset, escape_terminal(r.id),
                       r.duplicate ? " (it was there already)" : "");
  return fmt::format("{} line {} {}: {}", name_of(r.state), line, escape_terminal(r.id),
                     escape_terminal(r.reason));
}

std::string receipt_json(const realtime::publish_receipt& r, std::size_t line) {
  std::string out = fmt::format("{{\"type\":\"receipt\",\"line\":{}", line);
  add(out, "id", r.id);
  add(out, "state", name_of(r.state));
  if (r.state == realtime::receipt_state::acked)
    out += fmt::format(",\"offset\":{},\"duplicate\":{}", r.offset, r.duplicate);
  else
    add(out, "reason", r.reason);
  return out + "}";
}

}  // namespace tidewire::cli
