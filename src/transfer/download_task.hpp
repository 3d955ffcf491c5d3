#pragma once

#include "transfer/download_connection.hpp"
#include "transfer/download_state.hpp"

#include <tidewire/core/context.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace tidewire::transfer {

// Drives one download from opening its target to the final name: starts connections, watches them,
// reports, commits. Lives on the client's executor.
class download_task {
 public:
  download_task(const context& ctx, http::client& client, file::filesystem& disk, host_gate& gate,
                download_settings settings);

  // Once. Cancelling it keeps what was received.
  asio::awaitable<std::pair<error_code, download_result>> run();
  // As cancelling run(), from the same executor.
  void cancel();

 private:
  asio::awaitable<void> transfer();
  asio::awaitable<bool> verify();
  asio::awaitable<void> end_connections();
  void start_connections();
  void watch_connections();
  asio::awaitable<void> commit_if_due();
  void report(download_phase phase, bool always);
  bool over() const { return cancelled_ || state_.failed() || state_.complete(); }
  unsigned running() const;
  void wake() { wake_.cancel(); }

  const context& context_;
  http::client& client_;
  file::filesystem& disk_;
  host_gate& gate_;
  download_state state_;
  rng random_;
  timer wake_;
  std::vector<std::unique_ptr<download_connection>> connections_;
  rate_meter rate_;
  std::uint64_t metered_bytes_ = 0, committed_bytes_ = 0;
  clock::time_point last_commit_{}, last_report_{};
  bool cancelled_ = false;
};

}  // namespace tidewire::transfer
