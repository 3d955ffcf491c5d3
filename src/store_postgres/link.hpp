#pragma once

#include <tidewire/store_postgres/connection.hpp>

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>

namespace tidewire::store_postgres {

using deadline = std::chrono::steady_clock::time_point;

// `timeout` from now; never when it is 0.
deadline deadline_after(std::chrono::milliseconds timeout);

// One connection of libpq's, used without blocking, so that each wait has an end.
class link {
 public:
  link() = default;
  link(link&&) = default;
  link& operator=(link&&) = default;

  // What libpq said goes into `said`, its SQLSTATE into `state`.  Ends when `wakes` is readable.
  result<void> connect(const connection_options& options, int wakes, std::string& said,
                       std::string& state);
  bool open() const { return connection_ != nullptr; }
  void close() { connection_.reset(); }
  PGconn* get() const { return connection_.get(); }

  // Everything that was queued is on its way.
  result<void> flush(deadline until);
  // Null at the end of a statement's results.
  result<PGresult*> next_result(deadline until);
  // Reads what is there once something is. False: `until` passed, or `wakes` became readable.
  result<bool> read_more(deadline until, int wakes);

 private:
  enum class waited { ready, late, woken };
  waited wait(short events, deadline until, int wakes = -1) const;

  struct finisher {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
  };
  std::unique_ptr<PGconn, finisher> connection_;
};

}  // namespace tidewire::store_postgres
