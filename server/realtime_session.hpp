#pragma once

#include "hub.hpp"
#include "token_bucket.hpp"

#include <tidewire/core/timer.hpp>
#include <tidewire/websocket/connection.hpp>

#include <boost/asio/awaitable.hpp>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace tidewire::server {

// Who is at the other end, and how it speaks.
struct session_peer {
  std::string user;           // of the path
  bool authenticated = true;  // else the hello must bring the token
  bool lesson = false;        // the lesson's chat frames, no hello, channel "chat"
};

// One WebSocket from its upgrade to its end. A reader, and a writer while there is something to
// write, share it on the connection's executor; a timer looks after both: the first frame in time,
// pings, a peer that is silent or does not read. What goes out is taken from the hub when the
// connection can take it, so that a slow peer costs a position in the log and no memory.
class realtime_session : public std::enable_shared_from_this<realtime_session> {
 public:
  realtime_session(std::shared_ptr<hub> h, std::unique_ptr<websocket::connection> c,
                   session_peer who);

  // Completes when everything has ended.
  static asio::awaitable<void> run(std::shared_ptr<realtime_session> self);
  // The server goes: says bye, with a time to come back that is this client's own.
  void drain();

 private:
  struct farewell {
    websocket::close_code code;
    realtime::bye_frame bye;
  };

  void begin_session();
  asio::awaitable<void> end_session();
  asio::awaitable<void> join_chat();
  asio::awaitable<bool> handle(const std::string& text);
  asio::awaitable<bool> greet(realtime::hello_frame hello);
  asio::awaitable<bool> join(std::map<std::string, realtime::subscription> channels);
  void publish(realtime::publish_frame f);
  bool publish_chat(const std::string& text);
  void published(const std::string& id, error_code ec, const append_outcome& outcome);
  void publish_to_log(new_message m, std::string second);
  // Not now: again in `retry`, and nothing that is behind it before that.
  void defer(const std::string& id, std::string_view why, clock::duration retry);
  void refuse(const std::string& id, std::string why, std::optional<clock::duration> retry);
  void send(const realtime::frame& f);
  bool may_read_on() const;

  static asio::awaitable<void> write_frames(std::shared_ptr<realtime_session> self);
  asio::awaitable<bool> write_some();
  asio::awaitable<bool> write(std::string_view text);
  asio::awaitable<bool> write_log();
  asio::awaitable<bool> write_entries(std::vector<shared_entry> entries);
  asio::awaitable<void> say_farewell();
  asio::awaitable<void> wait();
  void wake_reader();
  void wake_writer();

  void watch(clock::duration next);
  void look_after();
  void end(websocket::close_code code, std::string why,
           std::optional<std::chrono::milliseconds> retry = std::nullopt);
  void drop(std::string_view reason);

  std::shared_ptr<hub> hub_;
  std::unique_ptr<websocket::connection> socket_;
  session_peer peer_;
  clock clock_;
  timer watch_;
  std::unique_ptr<timer> reader_wake_;  // there once it was needed
  token_bucket rate_;
  std::shared_ptr<subscriber> place_;

  // A publication was deferred: so is what is said to be behind it, to keep the order.
  struct deferral {
    std::string_view why;  // a literal
    clock::duration retry;
  };
  std::optional<deferral> deferred_;
  hub::publish_order order_;

  std::list<std::string> control_;  // answers, before anything from the log
  std::size_t publishing_ = 0;
  std::unordered_set<std::string> own_;  // the lesson's: not sent back to who showed them already
  std::unique_ptr<const farewell> farewell_;
  std::optional<clock::time_point> writing_since_;
  clock::time_point heard_;
  unsigned missed_ = 0;
  bool greeted_ = false, joined_ = false, ping_ = false, awake_ = false, over_ = false,
       writing_ = false;
};

}  // namespace tidewire::server
