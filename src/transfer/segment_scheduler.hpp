#pragma once

#include "transfer/byte_ranges.hpp"
#include "transfer/rate_meter.hpp"

#include <tidewire/core/clock.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace tidewire::transfer {

// Which connection fetches which bytes. Pure: a state machine that is told what happened and when.
//
// There is no plan made ahead. A connection without work takes a gap that nobody fetches; when
// there is none it takes the tail of the piece that would be finished last (so that the pieces end
// together, whatever the connections' rates); when that is too small to split, another connection
// fetches the same bytes and the faster one wins. All of that goes by what each connection reached
// so far: a piece just begun has not shown its own rate yet, and must not look like a stalled one.
class segment_scheduler {
 public:
  struct options {
    std::uint64_t min_split_bytes = 1024 * 1024;
    // Of the pieces fetched twice at one time.
    unsigned max_duplicates = 4;
  };
  struct piece {
    byte_range range;  // what this connection fetches; its end shrinks when others take the tail
    std::uint64_t position;
    rate_meter rate;
    bool duplicate;
    clock::time_point started;
    double prior = 0;  // bytes per second that this connection will probably reach
    std::uint64_t left() const { return range.end - position; }
  };
  enum class origin { gap, stolen, duplicated };
  struct assignment {
    byte_range range;
    origin how;
  };

  // The total of a stream whose end is not known yet.
  static constexpr std::uint64_t open_end = std::uint64_t{1} << 62;

  segment_scheduler(std::uint64_t total, range_set held, options o);

  // Work for an idle connection. `expected` connections, this one included, are without work and
  // about to ask: the first of them then leaves the others a fair share.
  std::optional<assignment> next(unsigned connection, unsigned expected, clock::time_point now);

  // This connection receives the whole from byte 0 and nobody else anything: a server without
  // ranges. What is held stays counted as held.
  void take_all(unsigned connection, clock::time_point now);

  // `offered` bytes arrived on a connection: how many, from the front, are wanted. They count as
  // held. Less than offered: the rest belongs to somebody else, end the exchange.
  std::uint64_t accept(unsigned connection, std::uint64_t offered, clock::time_point now);

  // The connection is idle again; what it did not fetch becomes a gap, unless others have it.
  void release(unsigned connection);

  // The end of an open-ended stream was found.
  void end_at(std::uint64_t total);

  // Connections whose rest was fetched by others: to be ended.
  std::vector<unsigned> obsolete() const;

  // Bytes per second of a connection's piece; 0 without one.
  double rate_of(unsigned connection, clock::time_point now);

  bool complete() const { return held_bytes_ == total_; }
  std::uint64_t held_bytes() const { return held_bytes_; }
  const range_set& held() const { return held_; }
  std::uint64_t total() const { return total_; }
  const std::map<unsigned, piece>& pieces() const { return pieces_; }

 private:
  std::optional<assignment> take_gap(unsigned connection, unsigned expected, clock::time_point now);
  std::optional<assignment> take_tail(unsigned connection, unsigned expected,
                                      clock::time_point now);
  std::optional<assignment> duplicate(unsigned connection, clock::time_point now);
  double expected_rate(unsigned connection, clock::time_point now);
  double estimate(piece& p, clock::time_point now);
  double seconds_left(piece& p, clock::time_point now);
  std::uint64_t first_missing(const piece& p) const;
  void assign(unsigned connection, byte_range r, bool duplicate, clock::time_point now);

  std::uint64_t total_;
  options options_;
  range_set held_, gaps_;
  std::uint64_t held_bytes_;
  std::map<unsigned, piece> pieces_;
  std::map<unsigned, double> reached_;  // the rate at which each connection's last piece ended
  clock::time_point latest_{};          // the last time that somebody told
};

}  // namespace tidewire::transfer
