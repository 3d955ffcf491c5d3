#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/core/context.hpp>
#include <tidewire/core/error.hpp>
#include <tidewire/file/blocking.hpp>
#include <tidewire/realtime/frame.hpp>
#include <tidewire/server/message_hub.hpp>
#include <tidewire/server/message_store.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace tidewire::server {

class hub;
class subscriber;

// A message as it goes out, encoded once for all who get it.
struct log_entry {
  std::string channel, epoch;
  stored_message message;
  std::string frame;
};
using shared_entry = std::shared_ptr<const log_entry>;

shared_entry make_entry(const std::string& channel, const std::string& epoch, stored_message m);

// One channel as the hub sees it: how far its log reaches, the end of it, and who listens.
struct hub_channel {
  std::string name;
  log_state log;
  std::deque<shared_entry> ring;  // the newest, up to log.head; none missing
  std::size_t ring_bytes = 0;
  std::map<std::uint64_t, subscriber*> subscribers;  // in the order in which they came

  std::uint64_t ring_begin() const { return log.head + 1 - ring.size(); }
};

// Where a connection, or a poll that waits, stands in its channels. Everything in here is touched
// under the hub's lock.
class subscriber {
 public:
  // `wake` is posted to `ex` when there may be something to take; once until the next take().
  subscriber(std::weak_ptr<hub> to, executor ex, std::function<void()> wake)
      : hub_(std::move(to)), ex_(std::move(ex)), wake_(std::move(wake)) {}
  subscriber(const subscriber&) = delete;
  ~subscriber();  // unsubscribes

 private:
  friend class hub;
  struct position {
    std::shared_ptr<hub_channel> channel;
    std::string epoch;
    std::uint64_t next = 1;
    bool live = false;                             // was up to date once
    std::unique_ptr<realtime::reset_frame> reset;  // rarely there
  };
  std::weak_ptr<hub> hub_;
  executor ex_;
  std::function<void()> wake_;
  std::uint64_t number_ = 0;
  bool woken_ = false;
  std::map<std::string, position> positions_;
  std::string turn_;  // the channel served last, so that a busy one starves nobody
};

// What the hub's sessions and routes are made of. All of the store's calls happen on one strand,
// and so does everything that moves a log; the lock guards what others look at meanwhile. A
// subscription begins on that strand too: between its state and the first live message nothing
// fits.
class hub : public std::enable_shared_from_this<hub> {
 public:
  hub(context c, std::unique_ptr<message_store> s, executor blocking, message_hub_options o);

  using publish_handler = std::function<void(error_code, append_outcome)>;
  // Messages that must not overtake each other: once the store failed for one of them, those that
  // were published behind it fail with the same error. The store's strand alone looks into it.
  using publish_order = std::shared_ptr<error_code>;
  // `done` is called on the store's strand. False: there is no room, and it is never called.
  bool publish(new_message m, publish_handler done, publish_order order = nullptr);

  // The same, awaited on a strand.
  asio::awaitable<result<append_outcome>> append(new_message m);

  using channel_states = std::map<std::string, realtime::channel_state>;
  asio::awaitable<result<channel_states>> subscribe(
      std::shared_ptr<subscriber> who, std::map<std::string, realtime::subscription> channels);
  void unsubscribe(subscriber& who);

  struct taken {
    std::vector<realtime::reset_frame> resets;  // before the entries
    std::vector<shared_entry> entries;
    std::string replay;     // this channel has to be read from the log
    bool too_slow = false;  // it was up to date, and is message_hub_options::queue_messages behind
  };
  taken take(subscriber& who, std::size_t max_entries, std::size_t max_bytes);
  // Reads on in a channel from the log. What comes is the subscriber's next.
  asio::awaitable<result<std::vector<shared_entry>>> replay(std::shared_ptr<subscriber> who,
                                                            std::string channel);

  // From memory if it can be: that may be behind the log for a moment, never before it.
  asio::awaitable<result<log_state>> state(std::string channel, bool from_store = false);
  asio::awaitable<result<log_page>> read(std::string channel, std::uint64_t since,
                                         std::size_t limit, std::size_t max_bytes);
  asio::awaitable<result<std::optional<std::uint64_t>>> find(std::string channel, std::string id);
  asio::awaitable<result<log_state>> begin_anew(std::string channel);

  void drain();
  bool draining() const;
  std::chrono::milliseconds drain_delay();
  bool allowed(const std::string& user, const std::string& channel,
               message_hub_options::action what) const {
    return !options.allow || options.allow(user, channel, what);
  }
  // Is woken by drain().
  void watch_drain(const std::shared_ptr<subscriber>& who);

  // Others may append to the store too: what it tells of them goes to those who listen here.
  void watch_store();
  void unwatch_store();

  const context ctx;
  const message_hub_options options;

 private:
  struct news;
  struct pending {
    new_message message;
    publish_handler done;
    publish_order order;
  };
  using wakes = std::vector<std::pair<executor, std::function<void()>>>;

  template <class T>
  asio::awaitable<result<T>> on_store(std::function<result<T>()> call);
  message_time now() const;
  void commit();
  static void refuse_followers(std::vector<pending>& batch);
  void publish_failed(std::vector<pending>& batch, error_code why);
  void follow(const std::vector<pending>& batch, const std::vector<append_outcome>& outcomes,
              message_time time);
  void catch_up(const std::string& channel);
  void adopt(hub_channel& channel, const log_state& state, wakes& all);
  void look_at(news& heard);
  bool forget_unheard(const std::string& name);
  std::vector<std::string> moved_of(const std::unordered_map<std::string, moved_log>& moved);
  std::vector<std::string> moved_of_all();
  void take_in(const std::string& name);
  void grow(hub_channel& channel, shared_entry entry);
  void shrink(hub_channel& channel);
  void trim_sometimes();
  result<std::shared_ptr<hub_channel>> load(const std::string& channel);
  void forget_idle();
  realtime::channel_state place(subscriber& who, const std::shared_ptr<hub_channel>& channel,
                                const realtime::subscription& wish);
  void wake(subscriber& who, wakes& out);
  static void run(wakes& all);

  std::unique_ptr<message_store> store_;
  executor strand_;
  clock clock_;
  // The strand's own: logs that may reach further than is known, since the store did not answer.
  std::set<std::string> uncertain_;
  clock::time_point next_trim_;

  mutable std::mutex mutex_;
  rng random_;
  std::unordered_map<std::string, std::shared_ptr<hub_channel>> channels_;
  std::deque<pending> pending_;
  std::size_t pending_bytes_ = 0, rings_bytes_ = 0;
  bool committing_ = false, draining_ = false;
  std::vector<std::weak_ptr<subscriber>> drain_watchers_;
  std::size_t sweep_at_ = 64;
  std::uint64_t next_number_ = 1;
};

// Runs `call` on the store's strand and goes on with its answer where the caller was.
template <class T>
asio::awaitable<result<T>> hub::on_store(std::function<result<T>()> call) {
  // Shared: the caller may be gone before the call has ended.
  auto answer = std::make_shared<std::optional<result<T>>>();
  std::function<error_code()> work = [self = shared_from_this(), answer, call = std::move(call)] {
    answer->emplace(call());
    return error_code();
  };
  auto token = asio::as_tuple(asio::use_awaitable);
  auto running = file::async_blocking(strand_, std::move(work), token);
  auto [ec] = co_await std::move(running);
  if (ec || !*answer) co_return make_error_code(errc::stopped);
  co_return std::move(**answer);
}

}  // namespace tidewire::server
