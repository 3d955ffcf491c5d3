#pragma once

#include <tidewire/core/timer.hpp>
#include <tidewire/server/message.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tidewire::lab::detail {

// The server's side of an exchange: the request as it arrives, and the handler's run. Lives on the
// host's process, and dies with it.
class server_call final : public server::request_body,
                          public std::enable_shared_from_this<server_call> {
 public:
  // What the client may have sent and the handler not yet read.
  static constexpr std::size_t window_bytes = 64 * 1024;
  // Bodies up to this size can be delivered twice.
  static constexpr std::size_t max_repeated_bytes = 1024 * 1024;

  server_call(executor ex, server::handler answer, server::request req);

  // Runs the handler; `done` gets its response, or nullptr when it threw.
  void run(std::function<void(server::response*)> done);

  void feed(std::span<const std::byte> bytes);
  void feed_end();
  // The connection is gone: reads fail.
  void break_off();
  std::size_t buffered() const { return buffer_.size() - taken_; }
  // Called when the handler took bytes.
  std::function<void()> on_read;

  // The same request again, its body as far as it is known; null when it is not known whole.
  std::shared_ptr<server_call> repetition() const;

  asio::awaitable<result<std::size_t>> read(std::span<std::byte> space) override;

 private:
  executor executor_;
  server::handler answer_;
  server::request request_;
  timer wake_;
  std::vector<std::byte> buffer_;  // not yet read from taken_ on
  std::size_t taken_ = 0;
  std::vector<std::byte> copy_;  // everything, up to max_repeated_bytes
  bool whole_ = true;            // copy_ missed nothing
  bool ended_ = false, broken_ = false;
};

}  // namespace tidewire::lab::detail
