#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/core/initiate.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tidewire::lab {

// What the proxy does to connections. Names are those of network_fault where both have the fault.
// "Response bytes" are those from upstream to the client, per connection, from its beginning.
struct proxy_faults {
  // Added to every piece in each direction; jitter uniform from 0, order kept.
  std::chrono::nanoseconds latency{}, jitter{};
  // Bytes per second of each connection; 0: unlimited.
  std::uint64_t up_bytes_per_second = 0, down_bytes_per_second = 0;
  // After exactly n response bytes the client sees the connection end in good order (FIN) …
  std::optional<std::uint64_t> truncate_after_bytes;
  // … or reset (RST; what its system had not handed over by then may be lost, as TCP has it).
  std::optional<std::uint64_t> reset_after_bytes;
  // Chance, in parts in a million, of each connection: drawn when it is accepted. It is then reset
  // after 2^x bytes of both directions together, x uniform in [0, 20]; one that carries less
  // escapes.
  std::uint32_t reset_ppm = 0;
  // Chance of a reset for every MiB that a connection moves in both directions together: a
  // connection of n MiB survives with (1 - p)^n. "2 % resets" is 20'000 here.
  std::uint32_t reset_ppm_per_mib = 0;
  // Chance of each piece, in parts in a million, that it is lost and sent again: it is late by a
  // retransmission time (200 ms, doubled each time that the copy is lost as well, 3 s in all), and
  // everything behind it waits, as TCP does. A piece is what comes at once, at most 16 KiB.
  std::uint32_t loss_ppm = 0;
  // After n response bytes nothing moves any more in either direction, for `stall`, or for ever
  // when that is zero. Once a connection. Bytes are kept.
  std::optional<std::uint64_t> stall_after_bytes;
  std::chrono::nanoseconds stall{};
  // While set, whatever a connection carries is swallowed without a word, and that connection stays
  // dead when it is switched off again.
  bool half_open = false;
  // While set, new connections are accepted and reset at once.
  bool refuse = false;
  // While set, nothing moves on any connection and new ones hang; bytes are kept.
  bool offline = false;

  // The fault file: {"format":"tidewire-proxy-faults","version":1, …} with any of latency_ms,
  // jitter_ms, bytes_per_second (both directions), up_bytes_per_second, down_bytes_per_second,
  // truncate_after_bytes, reset_after_bytes, reset_ppm, reset_ppm_per_mib, loss_ppm,
  // stall_after_bytes, stall_ms, half_open, refuse, offline. Unknown names and wrong types:
  // errc::invalid_argument.
  static result<proxy_faults> from_json(std::string_view text);
};

struct proxy_options {
  std::string listen_address = "127.0.0.1";
  std::uint16_t listen_port = 0;  // 0: any free one, see proxy::port()
  std::string upstream_host = "127.0.0.1";
  std::uint16_t upstream_port = 0;
  // Further connections are reset.
  std::size_t max_connections = 1024;
  // Held by each direction of a connection; what latency times bandwidth needs.
  std::size_t buffer_bytes = 1024 * 1024;
  // Read again within 250 ms of a change; a broken file is reported to the log sink and changes
  // nothing. Empty: none.
  std::string faults_file;
};

struct proxy_counters {
  std::uint64_t connections = 0, open = 0;
  std::uint64_t bytes_up = 0, bytes_down = 0;
  std::uint64_t refused = 0, reset = 0, truncated = 0, stalled = 0, half_open = 0;
  std::uint64_t upstream_failures = 0;  // could not connect: the client is reset
};

// A bad network between two real programs: TCP in, TCP out, with faults. Runs on a strand of
// context.exec, in real time; draws from context.random. Public calls may come from any thread.
class proxy {
 public:
  proxy(context ctx, proxy_options options, proxy_faults faults = {});
  // Stops.
  ~proxy();
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  // Binds and listens. Errors of the system (address_in_use), or errc::invalid_argument for an
  // address that is none, and for a fault file that can't be read.
  result<void> listen();
  std::uint16_t port() const;  // after listen()

  // void(error_code): serves until stop(); completes when the last connection is closed.
  template <class Token = asio::use_awaitable_t<>>
  auto async_run(Token&& token = {}) {
    return initiate<void(error_code)>(
        [this](asio::any_completion_handler<void(error_code)> done) { start(std::move(done)); },
        std::forward<Token>(token));
  }

  // Holds from now on, for connections under way too.
  void set_faults(proxy_faults faults);
  // Resets every open connection.
  void reset_all();
  // From now on, for this time, nothing moves on any connection and new ones hang; bytes are kept.
  // Takes the place of a running stall: zero ends it.
  void stall_all(std::chrono::nanoseconds time);
  proxy_counters counters() const;
  // Resets all connections and ends async_run. Idempotent.
  void stop();

 private:
  void start(asio::any_completion_handler<void(error_code)> done);
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tidewire::lab
