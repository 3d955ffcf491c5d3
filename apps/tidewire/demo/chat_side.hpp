#pragma once

#include "chat_link.hpp"
#include "delivery_audit.hpp"
#include "refusal.hpp"
#include "timeline.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/http/client.hpp>
#include <tidewire/realtime/chat_client.hpp>
#include <tidewire/websocket/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace tidewire::demo {

// One native client of the chat: a chat_client with its own clients, cursor file and link, and an
// audit of what it was really given. Used on the demo's thread.
class chat_side {
 public:
  struct place {
    std::string id, user;     // "a", "A"
    std::string cursor_file;  // where its cursor outlives the demo
    std::uint16_t server_port = 0;
  };

  // `disk` and `time` must outlive this.
  chat_side(const context& ctx, file::filesystem& disk, place where, const stopwatch& time);

  result<void> listen();
  asio::awaitable<void> run();  // until stop()
  asio::awaitable<void> stop();

  chat_link& link() { return link_; }
  const chat_link& link() const { return link_; }
  const std::string& id() const { return where_.id; }

  outcome send(const boost::json::object& order);   // {"text": …}
  outcome burst(const boost::json::object& order);  // {"messages": 1 to 1000}

  // Looks whether the mode changed, and compares what came with the log.
  void look(const known_log& log);
  boost::json::object state() const;

 private:
  asio::awaitable<void> connect();
  void listen_to(realtime::realtime_connection& connection);
  void took(const realtime::message& m);
  void send_next();
  void sample();
  boost::json::array messages() const;

  place where_;
  const stopwatch& time_;
  chat_link link_;
  std::unique_ptr<http::client> http_;
  std::unique_ptr<websocket::client> sockets_;
  std::unique_ptr<realtime::cursor_store> store_;
  std::unique_ptr<realtime::chat_client> chat_;  // once the link's ports are known
  context ctx_;
  timer next_;
  delivery_audit audit_;
  state_bars bars_;
  event_marks marks_;
  std::map<std::string, std::uint64_t> offsets_;  // of the messages that came last, by id
  std::deque<std::string> arrived_;               // the keys of offsets_, the oldest first
  std::string last_error_;
  std::uint64_t burst_left_ = 0, burst_size_ = 0;
  bool stopping_ = false;
  signal<realtime::message>::connection message_;
  signal<realtime::reset>::connection reset_;
  signal<realtime::connected_event>::connection up_;
  signal<realtime::disconnected_event>::connection down_;
  signal<realtime::error_event>::connection error_;
};

}  // namespace tidewire::demo
