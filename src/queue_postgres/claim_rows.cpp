#include "claim_rows.hpp"

#include "queue/lane_wheel.hpp"
#include "text.hpp"

#include <tidewire/core/utf8.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <string>

namespace tidewire::queue_postgres {
namespace {

namespace pg = store_postgres;
using queue::claimed_task;

// More than anybody runs at once; an integer of the server's.
constexpr std::size_t most_claimed = 1'000'000;

queue::queue_time time_of(std::int64_t ms) {
  return queue::queue_time(queue::milliseconds(ms));
}

claimed_task read_one(const pg::rows& r, std::size_t row) {
  claimed_task t;
  t.id = r.unsigned_integer(row, 0);
  t.fence = r.unsigned_integer(row, 1);
  t.attempt = static_cast<std::uint32_t>(r.integer(row, 2));
  t.max_attempts = static_cast<std::uint32_t>(r.integer(row, 3));
  t.priority = static_cast<queue::priority>(std::clamp<std::int64_t>(r.integer(row, 4), 0, 2));
  t.timeout = queue::milliseconds(r.integer(row, 5));
  t.retry_delay = queue::milliseconds(r.integer(row, 6));
  t.lease_until = time_of(r.integer(row, 7));
  t.kind = r.text(row, 8);
  t.payload = r.text(row, 9);
  t.metadata = r.text(row, 10);
  t.name = r.text(row, 11);
  return t;
}

}  // namespace

pg::parameters claim_values(const queue::claim_request& request) {
  std::vector<std::string> kinds;  // a kind that can't be a name names no task
  for (auto& k : request.kinds)
    if (!k.empty() && is_utf8(k) && k.find('\0') == k.npos) kinds.push_back(k);
  pg::parameters p;
  p.add_array(kinds).add(number(std::min(request.count, most_claimed)));
  p.add(std::int64_t(request.lease.count())).add(request.lanes == queue::lane_policy::strict);
  p.add(storable(request.worker));
  return p;
}

std::vector<claimed_task> read_claimed(const pg::rows& answer, queue::lane_policy lanes) {
  std::array<std::vector<claimed_task>, queue::priorities> by_lane;
  for (std::size_t row = 0; row < answer.size(); ++row) {
    auto t = read_one(answer, row);
    by_lane[static_cast<std::size_t>(t.priority)].push_back(std::move(t));
  }
  for (auto& lane : by_lane)
    std::sort(lane.begin(), lane.end(), [](auto& a, auto& b) { return a.id < b.id; });
  std::vector<claimed_task> out;
  out.reserve(answer.size());
  auto turn = answer.empty() ? 0 : answer.unsigned_integer(0, 12) % queue::claims_until_low;
  queue::lane_wheel wheel(static_cast<std::uint32_t>(turn));
  std::array<std::size_t, queue::priorities> next{};
  std::array<bool, queue::priorities> has{};
  while (true) {
    for (std::size_t lane = 0; lane < has.size(); ++lane)
      has[lane] = next[lane] < by_lane[lane].size();
    auto lane = wheel.next(lanes, has);
    if (!lane) return out;
    auto n = static_cast<std::size_t>(*lane);
    out.push_back(std::move(by_lane[n][next[n]++]));
  }
}

}  // namespace tidewire::queue_postgres
