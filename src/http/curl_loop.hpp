#pragma once

#include "http/host_admission.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/core/types.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <curl/curl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace tidewire::http {

class curl_transfer;

// libcurl's multi interface on an Asio executor: waits for the sockets and the time that libcurl
// names, and hands events back. Knows nothing of what is transferred: HTTP and mail both use it.
//
// Every member runs on the executor unless it says otherwise. libcurl must not be entered from one
// of its own callbacks, so those only take notes or post.
class curl_loop : public std::enable_shared_from_this<curl_loop> {
 public:
  curl_loop(context ctx, std::size_t max_connections, std::size_t max_connections_per_host);
  curl_loop(const curl_loop&) = delete;
  curl_loop& operator=(const curl_loop&) = delete;
  ~curl_loop();

  const executor& get_executor() const { return ctx_.exec; }
  const context& get_context() const { return ctx_; }

  // Starts a transfer, unless the loop was stopped: then it ends as aborted.
  void add(const std::shared_ptr<curl_transfer>& transfer);
  // Takes it out again. Never from inside a callback of libcurl.
  void remove(curl_transfer& transfer);
  // Lets a paused transfer go on, which may call its handler.
  void unpause(curl_transfer& transfer);

  // Aborts everything; `done` runs when the handlers of all transfers have returned. Any thread.
  void stop(asio::any_completion_handler<void()> done);
  // Forgets everything without a call to anybody: the owner goes away.
  void abandon();

  // One completion handler is under way. Any thread.
  void handler_started() { ++handlers_; }
  void handler_returned();

 private:
  struct watch;

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) noexcept;
  static int on_timer(CURLM*, long timeout_ms, void* self) noexcept;

  void give(CURL* easy);
  void set_interest(curl_socket_t fd, int what);
  void wait_for(const std::shared_ptr<watch>& w, bool read);
  void ready(const std::shared_ptr<watch>& w, bool read, error_code ec);
  void set_timer(long timeout_ms);
  void timer_expired(std::uint64_t generation);
  void drive(curl_socket_t fd, int events);
  void reap();
  void finish_stop();

  context ctx_;
  CURLM* multi_;
  timer timer_;
  std::uint64_t timer_generation_ = 0;
  std::unordered_map<curl_socket_t, std::shared_ptr<watch>> watches_;
  std::unordered_map<CURL*, std::shared_ptr<curl_transfer>> transfers_;
  host_admission<CURL*> admission_;
  std::vector<asio::any_completion_handler<void()>> stop_handlers_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> handlers_ = 0;
};

}  // namespace tidewire::http
