#pragma once

#include <tidewire/realtime/cursor.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace tidewire::demo {

// The server's log as it was read straight from the server, for comparison. The newest ids are
// kept.
class known_log {
 public:
  static constexpr std::size_t max_ids = 5000;

  // Another epoch begins anew.
  void note(const std::string& epoch, std::uint64_t head);
  void note(const std::string& epoch, std::uint64_t offset, std::string id);

  const std::string& epoch() const { return epoch_; }
  std::uint64_t head() const { return head_; }
  // Null when it is not known (any more).
  const std::string* id_at(std::uint64_t offset) const;

 private:
  void begin(const std::string& epoch);

  std::string epoch_;
  std::uint64_t head_ = 0;
  std::uint64_t first_ = 0;  // the offset of ids_.front()
  std::deque<std::string> ids_;
};

// Counts what a client was really given. It trusts no counter of the library: a message that the
// cursor has passed and that never came is lost, whatever the client says.
class delivery_audit {
 public:
  static constexpr std::size_t max_uncompared = 5000;

  // Where the client begins: before anything came.
  void begin(const realtime::cursor& at);
  void took(const std::string& epoch, std::uint64_t offset, std::string id);
  // The client said that it can't follow, and goes on from here.
  void reset(const realtime::cursor& to);
  // What the client claims to have given.
  void claims(const realtime::cursor& at);
  void compare(const known_log& log);

  std::uint64_t received() const { return received_; }
  std::uint64_t lost() const;
  std::uint64_t duplicated() const { return duplicated_; }
  std::uint64_t out_of_order() const { return out_of_order_; }
  std::uint64_t compared() const { return compared_; }    // the server's log has the same there
  std::uint64_t different() const { return different_; }  // … has something else there
  boost::json::object json() const;

 private:
  bool seen(std::uint64_t offset) const;
  void mark_seen(std::uint64_t offset);
  std::uint64_t missing() const;

  std::string epoch_;
  std::uint64_t base_ = 0, highest_ = 0, last_ = 0, claimed_ = 0;
  std::map<std::uint64_t, std::uint64_t> ranges_;  // begin -> end, end not included
  std::uint64_t received_ = 0, duplicated_ = 0, out_of_order_ = 0, lost_before_ = 0, resets_ = 0;
  std::uint64_t compared_ = 0, different_ = 0;
  std::map<std::uint64_t, std::string> uncompared_;  // of this epoch
};

}  // namespace tidewire::demo
