#include "transfer/segment_scheduler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tidewire::transfer {
namespace {

// A second fetch of the same bytes is worth it when it would win clearly.
constexpr double duplicate_gain = 2.0;
constexpr double duplicate_seconds = 0.1;
// The same bytes are fetched by this many at most: two of them may have stalled.
constexpr std::ptrdiff_t max_fetchers = 3;
// A piece that ends sooner than this gains nothing by giving its tail away.
constexpr double steal_seconds = 0.1;
// A piece is judged by what its connection reached before rather than by itself at first; that
// fades over about this long, so that a slow one is known as slow before the others are done.
constexpr double prior_seconds = 0.25;
// A victim keeps this much at least: what is on its way to it would only be thrown away.
constexpr std::uint64_t least_kept_bytes = 64 * 1024;

}  // namespace

segment_scheduler::segment_scheduler(std::uint64_t total, range_set held, options o)
    : total_(total), options_(o), held_(std::move(held)) {
  options_.min_split_bytes = std::max<std::uint64_t>(options_.min_split_bytes, 1);
  held_.remove({total_, std::numeric_limits<std::uint64_t>::max()});
  held_bytes_ = held_.bytes();
  for (auto& gap : held_.gaps(total_)) gaps_.add(gap);
}

std::optional<segment_scheduler::assignment> segment_scheduler::next(unsigned connection,
                                                                     unsigned expected,
                                                                     clock::time_point now) {
  latest_ = std::max(latest_, now);
  release(connection);
  expected = std::max(expected, 1U);
  if (auto a = take_gap(connection, expected, now)) return a;
  if (auto a = take_tail(connection, expected, now)) return a;
  return duplicate(connection, now);
}

std::optional<segment_scheduler::assignment> segment_scheduler::take_gap(unsigned connection,
                                                                         unsigned expected,
                                                                         clock::time_point now) {
  if (gaps_.empty()) return std::nullopt;
  auto gap = gaps_.ranges().front();
  // With fewer gaps than connections, leave the others a share of this one.
  auto sharers = expected / gaps_.ranges().size();
  if (sharers > 1 && gap.size() / sharers >= options_.min_split_bytes)
    gap.end = gap.begin + gap.size() / sharers;
  gaps_.remove(gap);
  assign(connection, gap, false, now);
  return assignment{gap, origin::gap};
}

std::optional<segment_scheduler::assignment> segment_scheduler::take_tail(unsigned connection,
                                                                          unsigned expected,
                                                                          clock::time_point now) {
  piece* victim = nullptr;
  for (auto& [id, p] : pieces_) {
    if (p.duplicate || p.left() < 2 * options_.min_split_bytes) continue;
    if (seconds_left(p, now) < steal_seconds) continue;
    if (!victim || seconds_left(p, now) > seconds_left(*victim, now) ||
        (seconds_left(p, now) == seconds_left(*victim, now) && p.left() > victim->left()))
      victim = &p;
  }
  if (!victim) return std::nullopt;
  auto left = static_cast<double>(victim->left());
  auto theirs = estimate(*victim, now);
  auto ours = expected_rate(connection, now);
  // Shares by rate end together; without measurements, equal ones.
  double share =
      theirs > 0 && ours > 0 && expected == 1 ? ours / (ours + theirs) : 1.0 / (expected + 1);
  auto bytes =
      std::clamp(static_cast<std::uint64_t>(left * share), options_.min_split_bytes,
                 victim->left() - std::min(options_.min_split_bytes / 4, least_kept_bytes));
  byte_range tail{victim->range.end - bytes, victim->range.end};
  victim->range.end = tail.begin;
  assign(connection, tail, false, now);
  return assignment{tail, origin::stolen};
}

std::optional<segment_scheduler::assignment> segment_scheduler::duplicate(unsigned connection,
                                                                          clock::time_point now) {
  auto duplicates = std::count_if(pieces_.begin(), pieces_.end(),
                                  [](auto& entry) { return entry.second.duplicate; });
  if (duplicates >= static_cast<std::ptrdiff_t>(options_.max_duplicates)) return std::nullopt;
  auto ours = expected_rate(connection, now);
  if (ours <= 0) return std::nullopt;
  byte_range rest;
  double longest = 0;
  for (auto& [id, p] : pieces_) {
    byte_range missing{first_missing(p), p.range.end};
    if (missing.empty()) continue;
    std::ptrdiff_t fetchers = 0;
    double soonest = std::numeric_limits<double>::infinity();
    for (auto& [other_id, other] : pieces_) {
      if (other.range.end != p.range.end) continue;
      ++fetchers;
      soonest = std::min(soonest, seconds_left(other, now));
    }
    auto alone = static_cast<double>(missing.size()) / ours;
    if (fetchers >= max_fetchers || soonest < duplicate_gain * alone + duplicate_seconds) continue;
    if (soonest <= longest) continue;
    longest = soonest;
    rest = missing;
  }
  if (rest.empty()) return std::nullopt;
  assign(connection, rest, true, now);
  return assignment{rest, origin::duplicated};
}

// Others may have fetched the bytes that a piece would come to next.
std::uint64_t segment_scheduler::first_missing(const piece& p) const {
  for (auto& r : held_.ranges()) {
    if (r.begin <= p.position && p.position < r.end) return std::min(r.end, p.range.end);
  }
  return p.position;
}

std::uint64_t segment_scheduler::accept(unsigned connection, std::uint64_t offered,
                                        clock::time_point now) {
  auto it = pieces_.find(connection);
  if (it == pieces_.end()) return 0;
  auto& p = it->second;
  auto wanted = std::min(offered, p.left());
  byte_range taken{p.position, p.position + wanted};
  p.position += wanted;
  p.rate.add(wanted, now);
  latest_ = std::max(latest_, now);
  if (!held_.contains(taken)) {
    held_.add(taken);
    held_bytes_ = held_.bytes();
  }
  return wanted;
}

void segment_scheduler::release(unsigned connection) {
  auto it = pieces_.find(connection);
  if (it == pieces_.end()) return;
  byte_range rest{it->second.position, it->second.range.end};
  if (latest_ > it->second.started) reached_[connection] = estimate(it->second, latest_);
  bool duplicate = it->second.duplicate;
  pieces_.erase(it);
  // When an original gave up, one of its duplicates takes its place.
  auto heir = std::find_if(pieces_.begin(), pieces_.end(),
                           [&](auto& entry) { return entry.second.range.end == rest.end; });
  if (!duplicate && heir != pieces_.end()) heir->second.duplicate = false;
  if (rest.empty()) return;
  gaps_.add(rest);
  for (auto& r : held_.ranges()) gaps_.remove(r);
  for (auto& [id, p] : pieces_) gaps_.remove({p.position, p.range.end});
}

void segment_scheduler::take_all(unsigned connection, clock::time_point now) {
  pieces_.clear();
  gaps_.clear();
  assign(connection, {0, total_}, false, now);
}

void segment_scheduler::end_at(std::uint64_t total) {
  total_ = total;
  gaps_.remove({total, open_end});
  for (auto& [id, p] : pieces_) p.range.end = std::min(p.range.end, total);
}

double segment_scheduler::rate_of(unsigned connection, clock::time_point now) {
  auto it = pieces_.find(connection);
  return it == pieces_.end() ? 0 : it->second.rate.at(now);
}

std::vector<unsigned> segment_scheduler::obsolete() const {
  std::vector<unsigned> ids;
  for (auto& [id, p] : pieces_) {
    if (p.left() > 0 && held_.contains({p.position, p.range.end})) ids.push_back(id);
  }
  return ids;
}

// What this connection will probably reach: what it did before, or the mean of the others.
double segment_scheduler::expected_rate(unsigned connection, clock::time_point now) {
  if (auto it = reached_.find(connection); it != reached_.end() && it->second > 0)
    return it->second;
  auto mean = [](double sum, unsigned count) { return count ? sum / count : 0; };
  double moving = 0, earlier = 0;
  unsigned movers = 0, known = 0;
  for (auto& [id, p] : pieces_) {
    if (auto rate = p.rate.at(now); rate > 0) {
      moving += rate;
      ++movers;
    }
  }
  for (auto& [id, rate] : reached_) {
    earlier += rate;
    ++known;
  }
  // Where all that run have stalled, the earlier rates say more.
  return std::max(mean(moving, movers), mean(earlier, known));
}

double segment_scheduler::estimate(piece& p, clock::time_point now) {
  if (p.prior <= 0) return p.rate.at(now);  // the download's first: there is nothing else to go by
  auto age = std::chrono::duration<double>(now - p.started).count();
  auto trust = 1 - std::exp(-age / prior_seconds);
  return trust * p.rate.at(now) + (1 - trust) * p.prior;
}

// A piece that moves nothing has an end in no finite time.
double segment_scheduler::seconds_left(piece& p, clock::time_point now) {
  auto rate = estimate(p, now);
  if (rate <= 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(p.range.end - first_missing(p)) / rate;
}

void segment_scheduler::assign(unsigned connection, byte_range r, bool duplicate,
                               clock::time_point now) {
  auto prior = expected_rate(connection, now);
  pieces_.insert_or_assign(connection, piece{r, r.begin, rate_meter(now), duplicate, now, prior});
}

}  // namespace tidewire::transfer
