#pragma once

#include <tidewire/core/rng.hpp>
#include <tidewire/server/message_store.hpp>
#include <tidewire/store_postgres/connection.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace tidewire::server {

// "EPOCH:HEAD:CHANNEL", as it is notified.
std::string moved_text(const std::string& channel, const log_state& log);
moved_log read_moved(const std::string& text);

// A thread that listens to what is notified, on a connection of its own, and tells a handler.
class postgres_watch {
 public:
  // `heard` is the notifications' channel.
  postgres_watch(store_postgres::connection line, std::string heard,
                 std::chrono::milliseconds look_interval, rng random);
  ~postgres_watch();
  postgres_watch(const postgres_watch&) = delete;

  // Begins with the first handler.
  void tell(message_store::moved_handler moved);

 private:
  void run();
  void listen_on();
  bool connect();
  bool stopped();
  void say(std::vector<moved_log> moved);

  store_postgres::connection line_;
  store_postgres::remote remote_;
  std::string heard_;
  std::chrono::milliseconds look_interval_;
  rng random_;

  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stop_ = false;
  std::mutex handler_mutex_;  // held while the handler runs
  message_store::moved_handler moved_;
  std::thread thread_;
};

}  // namespace tidewire::server
