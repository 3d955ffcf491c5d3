#pragma once

#include <tidewire/core/rng.hpp>
#include <tidewire/store_postgres/connection.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace tidewire::queue_postgres {

// Who is told that something has changed. May outlive the store, as what watch() gave may.
class watchers : public std::enable_shared_from_this<watchers> {
 public:
  std::shared_ptr<void> add(std::function<void()> changed);
  void tell();

 private:
  std::mutex mutex_;  // held while they are called
  std::map<std::uint64_t, std::function<void()>> calls_;
  std::uint64_t next_ = 1;
};

// A thread with a connection of its own. It listens to what other processes notify and tells the
// watchers; and it notifies them of our changes, at most once in an interval: a NOTIFY inside of
// the transactions themselves would have them commit one after the other, all over the server.
class change_watch {
 public:
  struct options {
    std::string channel;
    std::string sender;  // tells our own notifications from others'
    std::chrono::milliseconds notify_interval, look_interval;
  };
  change_watch(store_postgres::connection line, options o, std::shared_ptr<watchers> to,
               rng random);
  ~change_watch();  // what was announced is notified before
  change_watch(const change_watch&) = delete;

  // Others are to be told. Thread-safe.
  void announce();

 private:
  void run();
  void serve();
  bool notify_if_due();
  std::chrono::milliseconds next_wait() const;
  bool stopped();

  store_postgres::connection line_;
  store_postgres::remote remote_;
  options options_;
  std::shared_ptr<watchers> to_;
  rng random_;
  std::atomic<bool> announced_ = false;
  // Of the thread.
  std::chrono::steady_clock::time_point notified_{}, look_at_{};

  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tidewire::queue_postgres
