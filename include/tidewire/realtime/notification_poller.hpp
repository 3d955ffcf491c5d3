#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/http/client.hpp>
#include <tidewire/realtime/http_poll.hpp>
#include <tidewire/realtime/poller.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::realtime {

struct notification {
  std::string id;
  std::string message;         // text: markup in it is text, too, and must be shown as such
  std::string time;            // "ts" as sent, RFC 3339; for people
  boost::json::object fields;  // all of it
};

struct notification_options {
  // The numbers of the lesson: 10 s, 120 s, 3 errors. By activity: a person waits for these.
  poll_pace pace{std::chrono::seconds(10), {}, std::chrono::seconds(120), 1.5, 3,
                 adaptation::activity};
  std::size_t first_limit = 20;  // of the first request; later ones ask since the last id
  std::string last_id;           // where an earlier process had arrived
  http::fields headers;
};

// Asks GET {base}/users/{user}/notifications, first with ?limit=20, then with ?since=ID of the
// newest one, and delivers what came oldest first, each id once. An entry without an id is skipped;
// an answer that is no JSON array is errc::bad_answer.
//
// Threads, listeners and lifetime are those of poller.
class notification_poller {
 public:
  // Ids that are remembered, so that a server that repeats itself is not believed twice; and
  // notifications that recent() gives.
  static constexpr std::size_t max_remembered = 1000, max_recent = 100;

  notification_poller(context ctx, http::client& client, http::url base, std::string user,
                      notification_options options = {});
  ~notification_poller();

  void start();
  void pause();
  void resume();

  // As those of poller.
  template <class Token = asio::use_awaitable_t<>>
  auto async_stop(Token&& token = {}) {
    return base().async_stop(std::forward<Token>(token));
  }
  template <class Token = asio::use_awaitable_t<>>
  auto async_poll_now(Token&& token = {}) {
    return base().async_poll_now(std::forward<Token>(token));
  }

  // status().cursor is the id of the newest one delivered: what to give as last_id next time.
  poll_status status() const;
  // The newest first; on the executor.
  const std::vector<notification>& recent() const;

  signal<notification>& received();
  signal<poll_failure>& failures();
  signal<poll_end>& stopped();

 private:
  poller_base& base();

  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tidewire::realtime
