#pragma once

#include <tidewire/store_postgres/connection.hpp>

#include <memory>
#include <mutex>

struct pg_cancel;

namespace tidewire::store_postgres {

// Shared by a connection and its remotes.
struct remote::state {
  state();
  ~state();
  state(const state&) = delete;

  void wake();
  // Whether wake() was called since the last time.
  bool take_woken();

  // A call begins: nobody asked for its end yet. A call has ended.
  void begin();
  void end();
  bool cancel_asked();
  void replace_cancel(std::shared_ptr<pg_cancel> next);
  // What a cancel of the running call needs; null when none runs.
  std::shared_ptr<pg_cancel> ask_cancel();

  const int event;  // readable from wake() to take_woken()

 private:
  std::mutex mutex_;
  bool woken_ = false, running_ = false, cancel_asked_ = false;
  std::shared_ptr<pg_cancel> cancel_;
};

}  // namespace tidewire::store_postgres
