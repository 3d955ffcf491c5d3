#pragma once

#include <tidewire/realtime/realtime_connection.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

namespace tidewire::realtime {

enum class chat_state {
  sending,    // shown, and on its way
  confirmed,  // in the server's log
  failed,     // rejected, or it is not known; `problem` says which
};

struct chat_message {
  std::string id{};  // of the message, by which an echo is known again
  std::string user{};
  std::string text{};
  std::string time{};  // of the sender's clock, RFC 3339
  chat_state state = chat_state::confirmed;
  std::string problem{};
};

struct chat_options {
  std::string user;
  // As realtime_connection's; channels are set here.
  connection_options connection{};
  // Our wire, with offsets; or the lesson's frames and lists, for servers that speak only these.
  bool lesson_wire = false;
  std::size_t max_messages = 1000;  // kept; the oldest go
};

// A chat on a realtime_connection: what is sent is shown at once, and once; what comes is put where
// the server's log has it. The newest first, as the lesson has it.
//
// Threads, cancellation and lifetime are realtime_connection's.
class chat_client {
 public:
  chat_client(context ctx, connection_parts parts, chat_options options);
  ~chat_client();
  chat_client(const chat_client&) = delete;
  chat_client& operator=(const chat_client&) = delete;

  template <class Token = asio::use_awaitable_t<>>
  auto async_connect(Token&& token = {}) {
    return connection().async_connect(std::forward<Token>(token));
  }

  // Shows the message, state `sending`, and sends it by whatever way there is until it is answered.
  // The new message's id. On the executor.
  std::string send(std::string text);

  template <class Token = asio::use_awaitable_t<>>
  auto async_stop(Token&& token = {}) {
    return connection().async_stop(std::forward<Token>(token));
  }

  // Everything that is shown, the newest first.
  const std::deque<chat_message>& messages() const;
  // After each change, with what changed.
  signal<chat_message>& on_change();
  realtime_connection& connection();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tidewire::realtime
