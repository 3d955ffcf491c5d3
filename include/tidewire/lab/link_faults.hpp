#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace tidewire::lab {

// What can happen to an exchange on the simulated network. Each is drawn once an exchange at the
// site "net.<name>", except where told otherwise, `loss`, which is drawn for every piece that
// travels, and `refuse` and `connect_timeout`, which are drawn for every connection. "At n" means:
// after a share of the body, whose parts in a million are the recorded parameter.
enum class network_fault : std::uint8_t {
  // connections
  refuse,           // answered with a reset: connect_failed
  connect_timeout,  // never answered: connect_failed after exchange_limits::connect
  stale_reset,      // a kept connection is dead: sent again on a new one, or send_failed
  // requests
  reset_before_request,  // send_failed; the handler does not run
  reset_during_request,  // at n of the request body; the handler sees a broken body
  duplicate,             // the handler runs twice, as behind a proxy that retries
  // responses
  reply_lost,      // the handler ran; then silence (even parameter) or a reset (odd)
  reset_response,  // at n: receive_failed
  truncate,        // at n the connection ends in good order: truncated_body, or nobody can tell
  half_open,       // at n silence for ever, without an error (a quarter: before the head)
  stall,           // at half of the body nothing moves for the parameter's nanoseconds
  slow,            // trickles at link_faults::slow_bytes_per_second
  corrupt,         // at n one bit is wrong
  loss,            // a piece comes late by a retransmission: the parameter's nanoseconds
  // WebSockets (websocket_client). refuse, connect_timeout, reset_before_request, reply_lost and
  // slow
  // happen to their upgrades as to any exchange; these are drawn once an upgrade,
  socket_refused,  // answered with 401, 403, 404, 429 or 503, by the parameter, and no WebSocket
  socket_silent,   // answered with 101; then the server's frames never arrive
  // and these for every frame that is sent, either way
  socket_reset,      // in its place: connection_lost on both sides
  socket_half_open,  // from it on silence for ever, both ways, without an error
  socket_stall,      // it, and what follows, comes the parameter's nanoseconds late
  // a server that lies; only answers that it fits are touched
  lie_range_start,     // 206 whose Content-Range starts elsewhere
  lie_range_total,     // 206 with another total
  lie_range_ignored,   // the request's Range is not seen: a true 200
  lie_partial_as_200,  // the part that was asked for, called the whole
  lie_etag_other,      // another strong entity tag
  lie_etag_missing,
  lie_etag_weak,
  lie_content_encoding,  // says gzip
  lie_status,            // 401, 403, 404, 410, 412, 416, 500 or 502, by the parameter
  lie_retry_later,       // 429 or 503 with Retry-After: parameter seconds
  lie_multipart,         // 206 as multipart/byteranges
  lie_length_longer,     // announces up to 1000 bytes more than it sends
  lie_length_shorter,    // announces less than the body: the rest is not part of the message
  lie_no_length,         // neither length nor chunks: only the connection's end ends the body
  lie_redirect,          // 302 to the same place
  count
};

inline constexpr std::size_t network_fault_count = static_cast<std::size_t>(network_fault::count);

// "reset_response"; also the names of the proxy's faults, where both have them.
std::string_view name_of(network_fault f) noexcept;

// How one way between a client and an origin behaves. Probabilities are parts in a million.
struct link_faults {
  // What is normal. Drawn from the seed, not recorded.
  std::chrono::nanoseconds latency = std::chrono::milliseconds(5);  // one way
  std::chrono::nanoseconds jitter = std::chrono::milliseconds(2);   // added, uniform from 0
  std::uint64_t bytes_per_second = 0;  // of each connection and direction; 0: unlimited
  // Bodies arrive in pieces whose sizes are spread evenly over the powers of two between these.
  std::size_t min_slice_bytes = 1;
  std::size_t max_slice_bytes = 64 * 1024;

  std::array<std::uint32_t, network_fault_count> ppm{};
  std::uint32_t& operator[](network_fault f) { return ppm[static_cast<std::size_t>(f)]; }
  std::uint32_t operator[](network_fault f) const { return ppm[static_cast<std::size_t>(f)]; }

  // Strengths.
  std::chrono::nanoseconds max_stall = std::chrono::seconds(90);
  std::chrono::nanoseconds max_retransmission = std::chrono::seconds(3);
  std::chrono::seconds max_retry_after = std::chrono::seconds(30);
  std::uint64_t slow_bytes_per_second = 2048;
  // duplicate applies to GET, HEAD, PUT, DELETE and OPTIONS only, unless this is set.
  bool duplicate_any_method = false;

  // Every fault that an honest network and server can show, each with `each_ppm`.
  static link_faults harsh(std::uint32_t each_ppm = 20'000);
  // harsh() and a server that lies in every way, each with `lie_ppm`.
  static link_faults lying(std::uint32_t each_ppm = 10'000, std::uint32_t lie_ppm = 10'000);
};

}  // namespace tidewire::lab
