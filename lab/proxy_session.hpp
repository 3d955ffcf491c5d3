#pragma once

#include <tidewire/core/rng.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/lab/proxy.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace tidewire::lab::detail {

// Written on the strand, read from anywhere.
struct shared_counters {
  std::atomic<std::uint64_t> connections{0}, open{0}, bytes_up{0}, bytes_down{0}, refused{0},
      reset{0}, truncated{0}, stalled{0}, half_open{0}, upstream_failures{0};
};

// What all connections of a proxy have in common.
struct proxy_shared {
  explicit proxy_shared(rng r) : random(r), loss_random(r.stream("loss")) {}
  proxy_options options;
  proxy_faults faults;
  shared_counters counters;
  rng random;
  rng loss_random;  // one draw for each piece, which must not shift the others
  std::optional<clock::time_point> stalled_until;  // the whole link
};

// One connection with its upstream. Everything runs on the proxy's strand; shared by the coroutines
// that pump.
class proxy_session : public std::enable_shared_from_this<proxy_session> {
 public:
  using socket = asio::ip::tcp::socket;

  proxy_session(std::shared_ptr<proxy_shared> shared, socket client);
  ~proxy_session();

  // Connects upstream and begins to pump; the session lives until both sides are done.
  void run();
  // RST to both sides. Idempotent.
  void reset();
  bool open() const { return !closed_; }
  // The faults changed: draws what depends on them again.
  void faults_changed();

 private:
  static constexpr std::size_t piece_bytes = 256 * 1024;
  static constexpr std::size_t lossy_piece_bytes = 16 * 1024;  // while pieces are lost

  struct piece {
    clock::time_point when;
    std::vector<std::byte> bytes;
    std::size_t at = 0;
  };
  // One direction. Timers serve as "something changed".
  struct channel {
    channel(const executor& ex, socket& f, socket& t) : from(f), to(t), filled(ex), drained(ex) {}
    socket& from;
    socket& to;
    timer filled, drained;
    std::deque<piece> queue;
    std::size_t queued = 0;
    std::uint64_t moved = 0;
    clock::time_point last{}, free{};
    bool ended = false;
  };

  asio::awaitable<void> connect();
  asio::awaitable<void> read(std::shared_ptr<proxy_session> self, channel& c);
  asio::awaitable<void> write(std::shared_ptr<proxy_session> self, channel& c);
  void enqueue(channel& c, std::vector<std::byte> bytes);
  asio::awaitable<void> wait_until(clock::time_point when);
  // Until the link may move bytes, and this connection's stall is over.
  asio::awaitable<void> wait_for_link();
  asio::awaitable<void> wait_for_bandwidth(channel& c, std::size_t n);
  asio::awaitable<bool> write_some(channel& c);
  std::size_t allowed(const channel& c, std::size_t n) const;
  std::uint64_t rate(const channel& c) const;
  void apply_thresholds();
  void truncate();
  void swallow(channel& c);
  std::vector<std::byte> take_buffer();
  std::uint64_t total() const { return up_.moved + down_.moved; }

  std::shared_ptr<proxy_shared> shared_;
  socket client_, server_;
  executor executor_;
  clock clock_;
  channel up_, down_;
  std::vector<std::vector<std::byte>> spare_;
  std::uint64_t reset_at_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t reset_by_connection_ = std::numeric_limits<std::uint64_t>::max();
  std::optional<clock::time_point> stalled_until_;
  bool stall_done_ = false, closed_ = false, dead_ = false, cut_ = false;
};

}  // namespace tidewire::lab::detail
