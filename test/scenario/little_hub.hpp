#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/realtime/frame.hpp>
#include <tidewire/server/message.hpp>
#include <tidewire/websocket/client.hpp>
#include <tidewire/websocket/error.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::test {

// How the server side answers the next WebSockets.
enum class socket_answer {
  welcome,
  refuse,        // no connection
  unauthorized,  // 401 unless the Authorization header is little_hub::token
  silent,        // 101, and then not a word
  no_answer,     // not even that
};

// A server with one log for each channel, just large enough to play every scenario of a client with
// it, step by step and without chance: GET and POST /messages as an HTTP handler, the frames of the
// wire on WebSockets that the test can break. Not the backend: what that does is tested with it.
class little_hub final : public websocket::client {
 public:
  struct entry {
    std::string id, data;
  };
  struct log {
    std::string epoch = "e1";
    std::uint64_t oldest = 1;
    std::vector<entry> entries;
    std::uint64_t head() const { return entries.size(); }
  };

  explicit little_hub(lab::world& w) : world_(w), home_(w.get_executor()) {}

  // Appends and tells subscribers. The offset; of a known id the one that it has.
  std::uint64_t publish(const std::string& channel, const std::string& data, std::string id = {});
  // Another log takes its place, as after a restart without a disk.
  void begin_epoch(const std::string& channel, const std::string& epoch);
  void trim(const std::string& channel, std::uint64_t oldest);
  log& log_of(const std::string& channel) { return logs_[channel]; }

  // Network and server, as the test wants them.
  socket_answer answers = socket_answer::welcome;
  std::string token;                    // asked for in polls and upgrades, unless empty
  unsigned poll_status = 200;           // something else: that is the answer to every poll
  std::optional<unsigned> retry_after;  // in seconds, with a poll_status that refuses
  bool lose_acks = false;               // publications are taken, and the answers get lost
  std::optional<std::string> nack;      // instead of taking a publication
  clock::duration post_takes{};         // until a POST arrives
  clock::duration answer_takes{};       // from there until it is answered
  bool etags = true;
  clock::duration latency = std::chrono::milliseconds(5);

  void kill_sockets();  // reset: the client is told
  void close_sockets(unsigned code, const std::string& reason);
  void half_open();                    // open sockets fall silent, and nobody is told
  void say(const std::string& frame);  // to every open socket, as text
  std::size_t open_sockets() const;

  // What happened, for oracles.
  std::vector<clock::time_point> attempts;  // to open a WebSocket
  std::vector<clock::time_point> polls;     // GET
  std::vector<std::string> heard;           // frames on sockets
  unsigned not_modified = 0, refused_tokens = 0, pings = 0;
  std::size_t most_sockets = 0;

  server::handler handler();
  executor get_executor() const override { return home_; }

 private:
  struct link;
  class socket;

  void start(websocket::connect_request request,
             asio::any_completion_handler<void(error_code, std::unique_ptr<websocket::connection>,
                                               websocket::connect_summary)>
                 done) override;
  void hear(const std::shared_ptr<link>& from, const std::string& text);
  void subscribe(const std::shared_ptr<link>& from, const realtime::hello_frame& hello);
  void send(const std::shared_ptr<link>& to, std::string text);
  std::string message_text(const std::string& channel, std::uint64_t offset);
  asio::awaitable<server::response> answer(server::request& r);
  server::response answer_get(const std::map<std::string, std::string>& query,
                              const server::request& r);
  server::response answer_post(const std::string& body, const server::request& r);

  lab::world& world_;
  executor home_;
  std::map<std::string, log> logs_;
  std::vector<std::shared_ptr<link>> links_;
  std::uint64_t anonymous_ = 0;
};

}  // namespace tidewire::test
