#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/realtime/message_codec.hpp>
#include <tidewire/realtime/receipt.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidewire::realtime {

struct publish_bounds {
  std::size_t messages = 1024;
  std::size_t bytes = 1024 * 1024;
  // Sent and not answered, on a socket. A poll's POST is one at a time, to keep the order.
  std::size_t in_flight = 64;
};

// Messages on their way to the server, in order, each with its own id: sent again on any transport
// until it is answered, so that the server's log, which knows the ids, has each of them once (law
// R6). Each ends with exactly one receipt. Pure.
class publish_queue {
 public:
  explicit publish_queue(publish_bounds bounds = {}) : bounds_(bounds) {}

  bool has_room(std::size_t bytes) const;
  // False when an entry of that id is in it. `give_up` ends it with what is then known.
  bool add(publication p, clock::time_point give_up);

  // The next to send on the transport of that generation, marked as sent; null when there is none,
  // or enough is under way, or another transport has one that is not answered. Entries go out in
  // the order in which they were added, and so arrive in it: of two streams that both begin with
  // the first one not answered, the log keeps the order.
  const publication* next(std::uint64_t generation, std::size_t in_flight, clock::time_point now);
  const publication* next(std::uint64_t generation, clock::time_point now) {
    return next(generation, bounds_.in_flight, now);
  }
  // Nothing more comes from that transport: what it did not answer goes out again.
  void lost(std::uint64_t generation);
  // Nothing of it was sent: there was no connection.
  void unsent(std::uint64_t generation);
  // The server asked to come back later with this one. It refuses what is behind it as well, to
  // keep the order: all of that goes out again.
  void later(std::string_view id, clock::time_point when);

  // The end of each: an answer, the time that was given, or the end of everything.
  std::optional<publish_receipt> acked(std::string_view id, std::uint64_t offset, bool duplicate);
  std::optional<publish_receipt> rejected(std::string_view id, std::string reason);
  std::vector<publish_receipt> expire(clock::time_point now);
  std::vector<publish_receipt> stop(const std::string& reason);
  std::optional<publish_receipt> withdraw(std::string_view id, const std::string& reason);

  // When next() or expire() will have something to do that time alone brings.
  std::optional<clock::time_point> deadline(clock::time_point now) const;
  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct entry {
    publication what;
    clock::time_point give_up;
    clock::time_point not_before{};
    std::uint64_t sent_on = 0;  // 0: is to be sent
    unsigned sends = 0;         // that may have arrived
  };
  using position = std::deque<entry>::iterator;

  position find(std::string_view id);
  publish_receipt take(position at, receipt_state state, std::string reason);
  publish_receipt give_up(position at, const std::string& reason);

  publish_bounds bounds_;
  std::deque<entry> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace tidewire::realtime
