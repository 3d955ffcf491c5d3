#include "realtime/chat_list.hpp"

#include <tidewire/core/json_text.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::realtime {

std::string encode_chat(const chat_message& m) {
  std::string out = "{\"id\":";
  append_json_string(out, m.id);
  out += ",\"text\":";
  append_json_string(out, m.text);
  out += ",\"userId\":";
  append_json_string(out, m.user);
  out += ",\"timestamp\":";
  append_json_string(out, m.time);
  return out + "}";
}

chat_message decode_chat(std::string_view json) {
  chat_message m;
  auto o = json_object_view::parse(json);
  if (!o) return m;
  auto text = [&](std::string_view name) {
    auto value = o->find(name);
    return value ? json_string(*value).value_or(std::string()) : std::string();
  };
  m.id = text("id");
  m.text = text("text");
  m.user = text("userId");
  m.time = text("timestamp");
  return m;
}

std::deque<chat_message>::iterator chat_list::find(const std::string& id) {
  return std::find_if(messages_.begin(), messages_.end(),
                      [&](const chat_message& m) { return m.id == id; });
}

void chat_list::add(chat_message m) {
  messages_.push_front(std::move(m));
  trim();
}

void chat_list::trim() {
  for (; messages_.size() > max_messages_; messages_.pop_back())
    acknowledged_.erase(messages_.back().id);
}

const chat_message* chat_list::take(chat_message m) {
  if (!m.id.empty()) {
    auto shown = find(m.id);
    if (shown != messages_.end()) {
      bool logged = shown->state == chat_state::confirmed && acknowledged_.erase(m.id) == 0;
      if (logged) return nullptr;
      messages_.erase(shown);
    }
  }
  m.state = chat_state::confirmed;
  // Below what is still on its way: that will come later in the log.
  auto below = std::find_if(messages_.begin(), messages_.end(), [](const chat_message& other) {
    return other.state == chat_state::confirmed;
  });
  auto placed = messages_.insert(below, std::move(m));
  auto id = placed->id;
  trim();
  auto still = find(id);
  return still == messages_.end() ? nullptr : &*still;
}

const chat_message* chat_list::settle(const std::string& id, chat_state state,
                                      std::string problem) {
  auto shown = find(id);
  // The echo was faster, and it is proof.
  if (shown == messages_.end() || shown->state == chat_state::confirmed) return nullptr;
  // Where in the log it is, the echo will say, if the server sends one.
  if (state == chat_state::confirmed) acknowledged_.insert(id);
  shown->state = state;
  shown->problem = std::move(problem);
  return &*shown;
}

}  // namespace tidewire::realtime
