#pragma once

#include "hub.hpp"
#include "query.hpp"
#include "token_bucket.hpp"

#include <tidewire/core/timer.hpp>
#include <tidewire/server/router.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tidewire::server {

// The hub over HTTP: who polls sees the same logs as who has a WebSocket, by the same cursor.
class message_routes : public std::enable_shared_from_this<message_routes> {
 public:
  explicit message_routes(std::shared_ptr<hub> h) : hub_(std::move(h)), clock_(hub_->ctx.exec) {}
  void add_to(router& routes);

 private:
  using render = std::function<std::string(const stored_message&)>;
  // A poll as it was asked for.
  struct poll {
    std::string channel;
    realtime::subscription at;
    std::size_t limit = 0;
    clock::duration wait{};
  };

  asio::awaitable<response> get(request& req, std::string channel);
  asio::awaitable<response> post(request& req);
  asio::awaitable<response> get_chat(request& req);
  asio::awaitable<response> post_chat(request& req);
  asio::awaitable<response> get_notifications(request& req);
  asio::awaitable<websocket_answer> accept(request& req, bool lesson);

  result<poll> read_poll(const query& asked, std::string channel, std::size_t limit) const;
  asio::awaitable<response> answer_poll(const request& req, poll p);
  asio::awaitable<result<log_page>> page_of(const poll& p);
  // The lesson's lists: newest first, `since` is a message's id.
  asio::awaitable<response> list(request& req, std::string channel, std::size_t limit, render text);
  asio::awaitable<result<log_page>> newest(std::string channel, std::size_t limit);
  asio::awaitable<void> wait_for_more(const poll& p);
  void tell_waiting();
  response refuse_append(error_code why);
  response unavailable();
  std::optional<response> too_fast(const request& req);

  std::shared_ptr<hub> hub_;
  clock clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, token_bucket> rates_;  // by address
  std::size_t waiting_ = 0;
};

}  // namespace tidewire::server
