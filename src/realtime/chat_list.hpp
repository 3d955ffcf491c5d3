#pragma once

#include <tidewire/realtime/chat_client.hpp>

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <string_view>

namespace tidewire::realtime {

// {"id":…,"text":…,"userId":…,"timestamp":…}, the lesson's message.
std::string encode_chat(const chat_message& m);
// Whatever is missing stays empty: people write chats, and servers add to them.
chat_message decode_chat(std::string_view json);

// What a chat shows, the newest first. Pure. A message that was shown when it was sent is the same
// as the one that comes back with its id: it is never there twice, and takes the place that the log
// gives it.
class chat_list {
 public:
  explicit chat_list(std::size_t max_messages) : max_messages_(max_messages) {}

  // The optimistic add.
  void add(chat_message m);
  // What the log says next. The message as it is shown now; null when it adds nothing.
  const chat_message* take(chat_message m);
  // How sending ended; null when it is not shown any more.
  const chat_message* settle(const std::string& id, chat_state state, std::string problem);

  const std::deque<chat_message>& messages() const { return messages_; }

 private:
  std::deque<chat_message>::iterator find(const std::string& id);
  void trim();

  std::size_t max_messages_;
  std::deque<chat_message> messages_;
  std::set<std::string> acknowledged_;  // confirmed by a receipt, and not yet seen in the log
};

}  // namespace tidewire::realtime
