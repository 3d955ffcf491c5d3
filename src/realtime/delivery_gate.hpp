#pragma once

#include <tidewire/realtime/message_codec.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

namespace tidewire::realtime {

// What a gate holds back over a gap, at most. Beyond it the newest are let go, and fetched later.
struct gate_bounds {
  std::size_t messages = 1024;
  std::size_t bytes = 4 * 1024 * 1024;
};

// Through here goes everything that any transport brings for one channel; what comes out is the
// log: each message once, in order, and exactly one reset where the log can't be followed (laws R1
// to R4 and R10). Pure.
//
// Where the server has no offsets there is nothing to order by: messages come out as they came, but
// for those whose id was among the last `remembered_ids`.
class delivery_gate {
 public:
  static constexpr std::size_t remembered_ids = 1024;
  // Logs that were left since the socket was opened: what it still says of them is late, not new.
  static constexpr std::size_t remembered_epochs = 16;
  using item = std::variant<message, reset>;

  explicit delivery_gate(std::string channel, cursor from = {}, gate_bounds bounds = {});

  // Where something comes from. A poll is named when it is sent: an answer that was asked for
  // before a reset, and came after it, is about a log that was left.
  struct source {
    std::uint64_t generation;  // of the socket; 0: a poll
    std::uint64_t resets;
  };
  static source socket(std::uint64_t generation) { return {generation, 0}; }
  source poll() const { return {0, resets_}; }

  // A socket asks from received(). What earlier ones still say is ignored from now on.
  void begin_generation(std::uint64_t generation);

  void take(source from, message m);
  // The server says where the log stands: nothing up to `to` will come any more.
  void take_reset(source from, const cursor& to, const std::string& reason);
  // The first word about a log of which nothing was seen yet. No reset: nothing is missed.
  void take_start(source from, const cursor& at);
  void take_page(source from, message_page page);

  // What is due, in order: front() until pop(), which is called when the listeners have returned
  // and moves the cursor (law R5).
  bool empty() const { return due_.empty(); }
  const item& front() const { return due_.front(); }
  void pop();

  // Up to where listeners have seen everything.
  const cursor& delivered() const { return delivered_; }
  // Up to where everything is here: what to ask the server from.
  const cursor& received() const { return received_; }
  // Something newer is known than what can be delivered: ask for what follows received().
  bool missing() const { return !held_.empty() || highest_ > received_.offset; }
  std::size_t held() const { return held_.size(); }

  std::uint64_t duplicates() const { return duplicates_; }
  std::uint64_t resets() const { return resets_; }

 private:
  bool late(source from, const std::string& epoch) const;
  void enter(message m);
  void take_by_id(message m);
  void hold(message m);
  void let_go_of_newest();
  void release();
  void accept(message m);
  void begin_at(const cursor& at);
  void move_to(const cursor& to, const std::string& reason);
  void begin_again();
  void leave(const std::string& epoch);

  std::string channel_;
  cursor received_, delivered_;
  gate_bounds bounds_;
  std::uint64_t generation_ = 0;
  std::uint64_t resets_before_ = 0;  // the socket of this generation asked
  std::uint64_t highest_ = 0;        // offset known of in this epoch
  std::map<std::uint64_t, message> held_;
  std::size_t held_bytes_ = 0;
  std::deque<item> due_;
  std::deque<std::string> left_epochs_;
  std::deque<std::string> ids_;
  std::unordered_set<std::string> known_ids_;
  std::uint64_t duplicates_ = 0, resets_ = 0;
};

}  // namespace tidewire::realtime
