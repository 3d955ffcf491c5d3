#pragma once

#include "plain_http.hpp"
#include "refusal.hpp"
#include "timeline.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/realtime/notification_poller.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace tidewire::demo {

// The notifications of one user: a notification_poller behind the user's faulty link, with the
// history of its polls, and the one who publishes, straight at the server. Used on the demo's
// thread.
class notification_side {
 public:
  struct place {
    std::string user;         // "A"
    std::string link_origin;  // where the poller asks
    std::uint16_t server_port = 0;
  };
  static constexpr std::size_t max_history = 150;

  // `time` must outlive this.
  notification_side(const context& ctx, place where, const stopwatch& time);

  void start() { poller_->start(); }
  asio::awaitable<void> stop();

  // {"text": …}: POST /messages to the channel "user:…".
  asio::awaitable<outcome> publish(boost::json::object order);
  void poll_now();

  // Looks which wait was chosen after the polls that ended.
  void look();
  boost::json::object state() const;

 private:
  struct ended_poll {
    std::int64_t at_ms;
    unsigned status;  // 0: no whole answer
    std::int64_t wait_ms = -1;
  };

  void ended(unsigned status);
  boost::json::array history() const;

  place where_;
  const stopwatch& time_;
  std::unique_ptr<http::client> polls_http_, publish_http_;
  std::unique_ptr<observed_client> observed_;
  std::unique_ptr<realtime::notification_poller> poller_;
  std::deque<ended_poll> history_;
  std::uint64_t not_modified_ = 0, failed_ = 0, received_ = 0, published_ = 0;
  std::string key_prefix_, last_error_;
  std::string unsure_text_, unsure_key_;  // what was published without an answer
  signal<realtime::notification>::connection arrival_;
  signal<realtime::poll_failure>::connection failure_;
};

}  // namespace tidewire::demo
