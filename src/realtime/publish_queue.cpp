#include "realtime/publish_queue.hpp"

#include <algorithm>
#include <iterator>

namespace tidewire::realtime {
namespace {

std::size_t bytes_of(const publication& p) {
  return p.id.size() + p.channel.size() + p.data.size();
}

}  // namespace

const char* name_of(receipt_state state) noexcept {
  switch (state) {
    case receipt_state::acked:
      return "acked";
    case receipt_state::rejected:
      return "rejected";
    case receipt_state::unknown:
    default:
      return "unknown";
  }
}

bool publish_queue::has_room(std::size_t bytes) const {
  if (entries_.empty()) return true;  // one that alone is too large must not wait for ever
  return entries_.size() < bounds_.messages && bytes_ + bytes <= bounds_.bytes;
}

bool publish_queue::add(publication p, clock::time_point give_up) {
  if (find(p.id) != entries_.end()) return false;
  bytes_ += bytes_of(p);
  entries_.push_back({std::move(p), give_up});
  return true;
}

const publication* publish_queue::next(std::uint64_t generation, std::size_t in_flight,
                                       clock::time_point now) {
  std::size_t under_way = 0;
  for (auto& e : entries_) {
    if (e.sent_on == generation) {
      if (++under_way >= in_flight) return nullptr;
      continue;
    }
    // Under way on another transport: what is behind it must not overtake it.
    if (e.sent_on != 0) return nullptr;
    // Those behind it wait as well: they were published later.
    if (e.not_before > now) return nullptr;
    e.sent_on = generation;
    e.what.behind = &e != &entries_.front();
    ++e.sends;
    return &e.what;
  }
  return nullptr;
}

void publish_queue::lost(std::uint64_t generation) {
  for (auto& e : entries_) {
    if (e.sent_on == generation) e.sent_on = 0;
  }
}

void publish_queue::unsent(std::uint64_t generation) {
  for (auto& e : entries_) {
    if (e.sent_on != generation) continue;
    e.sent_on = 0;
    --e.sends;
  }
}

void publish_queue::later(std::string_view id, clock::time_point when) {
  auto at = find(id);
  if (at == entries_.end()) return;
  at->not_before = when;
  auto generation = std::exchange(at->sent_on, 0);
  for (; at != entries_.end(); ++at) {
    if (at->sent_on == generation) at->sent_on = 0;
  }
}

std::optional<publish_receipt> publish_queue::acked(std::string_view id, std::uint64_t offset,
                                                    bool duplicate) {
  auto at = find(id);
  if (at == entries_.end()) return std::nullopt;
  auto receipt = take(at, receipt_state::acked, {});
  receipt.offset = offset;
  receipt.duplicate = duplicate;
  return receipt;
}

std::optional<publish_receipt> publish_queue::rejected(std::string_view id, std::string reason) {
  auto at = find(id);
  if (at == entries_.end()) return std::nullopt;
  return take(at, receipt_state::rejected, std::move(reason));
}

std::vector<publish_receipt> publish_queue::expire(clock::time_point now) {
  std::vector<publish_receipt> out;
  for (std::size_t i = 0; i < entries_.size();) {
    if (entries_[i].give_up <= now)
      out.push_back(give_up(std::next(entries_.begin(), static_cast<std::ptrdiff_t>(i)),
                            "no answer in the time that was given"));
    else
      ++i;
  }
  return out;
}

std::vector<publish_receipt> publish_queue::stop(const std::string& reason) {
  std::vector<publish_receipt> out;
  while (!entries_.empty()) out.push_back(give_up(entries_.begin(), reason));
  return out;
}

std::optional<publish_receipt> publish_queue::withdraw(std::string_view id,
                                                       const std::string& reason) {
  auto at = find(id);
  if (at == entries_.end()) return std::nullopt;
  return give_up(at, reason);
}

std::optional<clock::time_point> publish_queue::deadline(clock::time_point now) const {
  std::optional<clock::time_point> first;
  auto consider = [&first](clock::time_point when) {
    if (!first || when < *first) first = when;
  };
  for (auto& e : entries_) {
    if (e.give_up != clock::time_point::max()) consider(e.give_up);
    if (e.sent_on == 0 && e.not_before > now) consider(e.not_before);
  }
  return first;
}

publish_queue::position publish_queue::find(std::string_view id) {
  return std::find_if(entries_.begin(), entries_.end(),
                      [id](const entry& e) { return e.what.id == id; });
}

publish_receipt publish_queue::take(position at, receipt_state state, std::string reason) {
  bytes_ -= bytes_of(at->what);
  publish_receipt receipt;
  receipt.id = std::move(at->what.id);
  receipt.state = state;
  receipt.sent = at->sends > 0;
  receipt.reason = std::move(reason);
  entries_.erase(at);
  return receipt;
}

// What was never sent can't be in the log.
publish_receipt publish_queue::give_up(position at, const std::string& reason) {
  if (at->sends > 0) return take(at, receipt_state::unknown, reason);
  return take(at, receipt_state::rejected, reason + "; it was not sent");
}

}  // namespace tidewire::realtime
