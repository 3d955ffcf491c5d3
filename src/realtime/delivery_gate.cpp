#include "realtime/delivery_gate.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tidewire::realtime {
namespace {

std::size_t bytes_of(const message& m) {
  return sizeof(message) + m.epoch.size() + m.id.size() + m.time.size() + m.data.size();
}

}  // namespace

delivery_gate::delivery_gate(std::string channel, cursor from, gate_bounds bounds)
    : channel_(std::move(channel)),
      received_(std::move(from)),
      delivered_(received_),
      bounds_(bounds),
      highest_(received_.offset) {}

void delivery_gate::begin_generation(std::uint64_t generation) {
  generation_ = generation;
  resets_before_ = resets_;
  left_epochs_.clear();  // a server that answers now knows what its log is
}

bool delivery_gate::late(source from, const std::string& epoch) const {
  if (from.generation == 0) return from.resets != resets_;
  return from.generation != generation_ ||
         std::find(left_epochs_.begin(), left_epochs_.end(), epoch) != left_epochs_.end();
}

void delivery_gate::take(source from, message m) {
  if (!late(from, m.epoch)) enter(std::move(m));
}

void delivery_gate::enter(message m) {
  if (m.offset == 0) return take_by_id(std::move(m));
  if (received_.epoch.empty())
    begin_at({m.epoch, m.offset - 1});
  else if (m.epoch != received_.epoch)
    move_to({m.epoch, m.offset - 1}, "epoch");
  if (m.offset <= received_.offset) {
    ++duplicates_;
    return;
  }
  highest_ = std::max(highest_, m.offset);
  if (m.offset != received_.offset + 1) return hold(std::move(m));
  accept(std::move(m));
  release();
}

void delivery_gate::take_page(source from, message_page page) {
  if (late(from, page.epoch)) return;
  if (received_.epoch.empty() && !page.epoch.empty() && page.messages.empty() && !page.more)
    begin_at({page.epoch, page.head});
  for (auto& m : page.messages) enter(std::move(m));
  // What is held beyond the head came later; an offset that the log does not have is forgotten.
  if (page.more || page.epoch != received_.epoch || received_.offset < page.head) return;
  highest_ = held_.empty() ? received_.offset : held_.rbegin()->first;
}

void delivery_gate::take_by_id(message m) {
  if (!m.id.empty()) {
    if (!known_ids_.insert(m.id).second) {
      ++duplicates_;
      return;
    }
    ids_.push_back(m.id);
    if (ids_.size() > remembered_ids) {
      known_ids_.erase(ids_.front());
      ids_.pop_front();
    }
    received_.id = m.id;
  }
  due_.emplace_back(std::move(m));
}

void delivery_gate::hold(message m) {
  auto size = bytes_of(m);
  auto offset = m.offset;
  if (!held_.try_emplace(offset, std::move(m)).second) {
    ++duplicates_;
    return;
  }
  held_bytes_ += size;
  while (held_.size() > bounds_.messages || held_bytes_ > bounds_.bytes) let_go_of_newest();
}

// The oldest are the ones that a short fetch makes deliverable.
void delivery_gate::let_go_of_newest() {
  auto newest = std::prev(held_.end());
  held_bytes_ -= bytes_of(newest->second);
  held_.erase(newest);
}

void delivery_gate::release() {
  for (auto next = held_.begin(); next != held_.end(); next = held_.begin()) {
    if (next->first > received_.offset + 1) return;
    held_bytes_ -= bytes_of(next->second);
    auto m = std::move(next->second);
    held_.erase(next);
    if (m.offset == received_.offset + 1)
      accept(std::move(m));
    else
      ++duplicates_;
  }
}

void delivery_gate::accept(message m) {
  received_.offset = m.offset;
  due_.emplace_back(std::move(m));
}

void delivery_gate::take_start(source from, const cursor& at) {
  if (!late(from, at.epoch) && received_.epoch.empty()) begin_at(at);
}

void delivery_gate::begin_at(const cursor& at) {
  received_ = at;
  highest_ = at.offset;
  // Nothing was delivered, and nothing is missed: the cursor may stand there at once.
  if (due_.empty()) delivered_ = received_;
}

void delivery_gate::take_reset(source from, const cursor& to, const std::string& reason) {
  if (late(from, to.epoch)) return;
  if (received_.epoch.empty()) return begin_at(to);
  bool same = to.epoch == received_.epoch;
  // A poll has led on since the socket asked: what it passes over can be fetched.
  if (same && from.generation != 0 && resets_before_ != resets_) {
    highest_ = std::max(highest_, to.offset);
    return;
  }
  // Both transports may tell of the same trimming: what lies behind us can't have been lost. But a
  // log that "is another one" under its old epoch was set back, as by a backup that was restored.
  bool back = same && to.offset < received_.offset && reason == "epoch";
  if (same && to.offset <= received_.offset && !back) return;
  if (back) begin_again();
  move_to(to, reason);
}

void delivery_gate::begin_again() {
  held_.clear();
  held_bytes_ = 0;
  highest_ = 0;
}

void delivery_gate::move_to(const cursor& to, const std::string& reason) {
  if (to.epoch != received_.epoch) {
    leave(received_.epoch);
    begin_again();
  }
  due_.emplace_back(reset{channel_, received_, to, reason});
  ++resets_;
  received_ = to;
  highest_ = std::max(highest_, to.offset);
  release();
}

void delivery_gate::leave(const std::string& epoch) {
  left_epochs_.push_back(epoch);
  if (left_epochs_.size() > remembered_epochs) left_epochs_.pop_front();
}

void delivery_gate::pop() {
  if (auto* r = std::get_if<reset>(&due_.front())) {
    delivered_ = r->to;
  } else {
    auto& m = std::get<message>(due_.front());
    if (m.offset > 0) {
      delivered_.epoch = m.epoch;
      delivered_.offset = m.offset;
    } else if (!m.id.empty()) {
      delivered_.id = m.id;
    }
  }
  due_.pop_front();
}

}  // namespace tidewire::realtime
