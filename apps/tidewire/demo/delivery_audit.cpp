#include "delivery_audit.hpp"

#include <algorithm>
#include <utility>

namespace tidewire::demo {

void known_log::begin(const std::string& epoch) {
  epoch_ = epoch;
  head_ = first_ = 0;
  ids_.clear();
}

void known_log::note(const std::string& epoch, std::uint64_t head) {
  if (epoch != epoch_) begin(epoch);
  head_ = std::max(head_, head);
}

void known_log::note(const std::string& epoch, std::uint64_t offset, std::string id) {
  note(epoch, offset);
  if (ids_.empty()) first_ = offset;
  if (offset != first_ + ids_.size()) return;
  ids_.push_back(std::move(id));
  if (ids_.size() <= max_ids) return;
  ids_.pop_front();
  ++first_;
}

const std::string* known_log::id_at(std::uint64_t offset) const {
  bool known = !ids_.empty() && offset >= first_ && offset < first_ + ids_.size();
  return known ? &ids_[offset - first_] : nullptr;
}

void delivery_audit::begin(const realtime::cursor& at) {
  epoch_ = at.epoch;
  base_ = highest_ = last_ = claimed_ = at.offset;
}

void delivery_audit::took(const std::string& epoch, std::uint64_t offset, std::string id) {
  ++received_;
  if (epoch_.empty()) epoch_ = epoch;
  if (epoch != epoch_) {  // without a reset: what belongs to no log that was announced
    ++different_;
    return;
  }
  // What lies before the beginning was given in an earlier life.
  if (offset <= base_ || seen(offset)) {
    ++duplicated_;
    return;
  }
  if (offset < last_) ++out_of_order_;
  last_ = offset;
  mark_seen(offset);
  uncompared_.emplace(offset, std::move(id));
  if (uncompared_.size() > max_uncompared) uncompared_.erase(uncompared_.begin());
}

void delivery_audit::reset(const realtime::cursor& to) {
  ++resets_;
  lost_before_ += missing();
  ranges_.clear();
  uncompared_.clear();
  begin(to);
}

void delivery_audit::claims(const realtime::cursor& at) {
  if (!at.epoch.empty() && at.epoch == epoch_) claimed_ = std::max(claimed_, at.offset);
}

void delivery_audit::compare(const known_log& log) {
  if (log.epoch() != epoch_) return;
  for (auto it = uncompared_.begin(); it != uncompared_.end();) {
    const auto* id = log.id_at(it->first);
    if (!id) {
      ++it;
      continue;
    }
    ++(*id == it->second ? compared_ : different_);
    it = uncompared_.erase(it);
  }
}

bool delivery_audit::seen(std::uint64_t offset) const {
  auto it = ranges_.upper_bound(offset);
  return it != ranges_.begin() && std::prev(it)->second > offset;
}

void delivery_audit::mark_seen(std::uint64_t offset) {
  highest_ = std::max(highest_, offset);
  auto next = ranges_.lower_bound(offset);
  auto end = offset + 1;
  if (next != ranges_.end() && next->first == end) {
    end = next->second;
    next = ranges_.erase(next);
  }
  if (next != ranges_.begin() && std::prev(next)->second == offset)
    std::prev(next)->second = end;
  else
    ranges_[offset] = end;
}

std::uint64_t delivery_audit::missing() const {
  std::uint64_t have = 0;
  for (const auto& [first, end] : ranges_) have += end - first;
  return std::max(highest_, claimed_) - base_ - have;
}

std::uint64_t delivery_audit::lost() const {
  return lost_before_ + missing();
}

boost::json::object delivery_audit::json() const {
  boost::json::object o;
  o["received"] = received_;
  o["lost"] = lost();
  o["duplicated"] = duplicated_;
  o["out_of_order"] = out_of_order_;
  o["resets"] = resets_;
  o["compared"] = compared_;
  o["different"] = different_;
  return o;
}

}  // namespace tidewire::demo
