#pragma once

#include "transfer/download_state.hpp"

#include <tidewire/core/rng.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/http/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace tidewire::transfer {

// One connection of a download: makes exchanges as long as the state has work for it, waits out
// gates and backoffs, and retires after too many failures without a byte.
//
// Lives on the client's executor; its owner waits for run() to end before destroying it.
class download_connection final : private http::exchange_handler {
 public:
  enum class activity { idle, fetching, waiting };

  download_connection(unsigned id, download_state& state, http::client& client, host_gate& gate,
                      rng random, std::function<unsigned()> running, std::function<void()> news);

  asio::awaitable<void> run(fetch_job first);
  // Ends the exchange or wait under way; run() then decides whether there is more to do.
  void interrupt();
  // Ends run() as soon as possible.
  void end();

  unsigned id() const { return id_; }
  bool running() const { return running_; }
  bool retired() const { return retired_; }
  activity doing() const { return doing_; }
  const fetch_job& job() const { return job_; }
  clock::time_point job_started() const { return job_started_; }

 private:
  void on_start(std::shared_ptr<http::exchange_control> control) override;
  http::flow on_head(const http::response_head& head) override;
  http::flow on_body(std::span<const std::byte> bytes) override;

  void heed_retry_after(const http::response_head& head);
  asio::awaitable<void> fetch();
  asio::awaitable<void> wait(clock::duration delay);
  asio::awaitable<void> wait_at_gate();
  // What the exchange came to: the delay before the next one, or nothing to retire.
  std::optional<clock::duration> settle();
  std::optional<clock::duration> settle_verdict(const verdict& v);
  std::optional<clock::duration> settle_error();
  std::optional<clock::duration> retry(error_code ec, const std::string& why,
                                       std::optional<clock::duration> retry_after);
  std::optional<clock::duration> give_up(error_code ec, const std::string& why, error_code cause);

  unsigned id_;
  download_state& state_;
  http::client& client_;
  host_gate& gate_;
  rng random_;
  std::function<unsigned()> all_running_;  // connections of the download, this one included
  std::function<void()> news_;             // further connections may start, or all bytes are held
  timer timer_, pause_timer_;
  asio::cancellation_signal cancel_;
  std::shared_ptr<http::exchange_control> control_;

  fetch_job job_{};
  clock::time_point job_started_{};
  activity doing_ = activity::idle;
  bool running_ = false, ending_ = false, retired_ = false, interrupted_ = false;
  unsigned failures_ = 0;

  // Of the exchange under way.
  std::string asked_origin_;
  std::optional<verdict> verdict_;
  http::response_head head_;
  bool wanted_body_ = false;
  bool gained_ = false;  // bytes that nobody had brought before
  std::uint64_t body_bytes_ = 0, discarded_bytes_ = 0;
  error_code ec_;
  http::exchange_summary summary_;
};

}  // namespace tidewire::transfer
