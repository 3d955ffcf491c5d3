#pragma once

#include "realtime/http_call.hpp"
#include "realtime/message_transport.hpp"
#include "realtime/poll_schedule.hpp"
#include "realtime/transport_context.hpp"

#include <tidewire/core/timer.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::realtime {

// Messages by GET and publications by POST. Polls each channel for itself, since an answer may be
// held back for long, and publishes one at a time, to keep the order. Each of these sleeps while
// there is nothing to do for it: what there is, is asked with every turn.
class polling_transport final : public message_transport,
                                public std::enable_shared_from_this<polling_transport> {
 public:
  // How this transport's publications are marked in the queue: no socket has that generation.
  static constexpr std::uint64_t generation = ~std::uint64_t{0};

  polling_transport(std::shared_ptr<transport_context> shared, transport_sink& sink);

  void start() override {}
  void stop(bool gracefully) override;
  void publish() override;

  // Polls are made all the time from now on, or only where something is missing. The first ones at
  // random within `spread`: many clients may have lost the server together.
  void set_polling(bool on, clock::duration spread = clock::duration(0));
  // Off: a socket does it. What is under way is waited for a moment, since all others stand behind
  // it.
  void set_publishing(bool on);
  void set_online(bool online);
  // Looks after one channel, if there is anything to be fetched.
  void look_after(const std::string& channel);
  // Polls once more, also beside a socket: where that does not bring what came before it.
  void catch_up(const std::string& channel);

 private:
  struct lane {
    lane(std::string n, const executor& ex, const poll_pace& pace, bool long_poll)
        : name(std::move(n)), schedule(pace, long_poll), wait(ex) {}

    std::string name;
    poll_schedule schedule;
    timer wait;
    asio::cancellation_signal cancel;
    bool running = false, asking = false;
    clock::time_point first{};               // when polling begins
    unsigned wishes = 0, granted = 0;        // of catch_up(): polls that began after it
    std::optional<clock::time_point> again;  // sooner than the schedule says
    // Of the last answer that had all there was, and where that was.
    std::string etag;
    cursor etag_at;
  };

  bool wanted(const lane& l) const;
  void start_lane(lane& l);
  void interrupt(lane& l);
  asio::awaitable<void> poll(lane& l);
  asio::awaitable<void> poll_once(lane& l);
  static clock::time_point due(const lane& l);
  asio::awaitable<void> pause(lane& l);
  http::request request_for(lane& l, const channel_cursor& from) const;
  void settle(lane& l, const channel_cursor& from, delivery_gate::source source,
              const http_answer& answer);
  poll_outcome take(lane& l, const channel_cursor& from, delivery_gate::source source,
                    const http_answer& answer);
  asio::awaitable<bool> renew(const http::url& target);
  asio::awaitable<void> publish_all();
  enum class attempt { answered, unanswered, unsent };
  asio::awaitable<attempt> publish_one(const publication& p);
  attempt settle_publication(const publication& p, const http_answer& answer);
  bool may_publish() const { return sink_ && publishing_ && online_; }

  std::shared_ptr<transport_context> shared_;
  transport_sink* sink_;
  clock clock_;
  rng random_;
  std::vector<std::unique_ptr<lane>> lanes_;
  timer publish_wait_;
  asio::cancellation_signal cancel_publish_;
  std::optional<std::string> credentials_;
  std::uint32_t publish_failures_ = 0;
  bool polling_ = false, publishing_ = false, online_ = true, publish_running_ = false;
  bool posting_ = false;
};

}  // namespace tidewire::realtime
