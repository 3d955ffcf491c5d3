#include "transfer/download_report.hpp"

#include <algorithm>
#include <cmath>

namespace tidewire::transfer {
namespace {

// Less than everything is never shown as 100 %, whatever the rounding.
constexpr double nearly_all = 99.9;

download_phase phase_of(download_state& state,
                        const std::vector<std::unique_ptr<download_connection>>& connections) {
  using activity = download_connection::activity;
  auto doing = [&](activity a) {
    return std::any_of(connections.begin(), connections.end(),
                       [a](auto& c) { return c->running() && c->doing() == a; });
  };
  if (!doing(activity::fetching) && doing(activity::waiting)) return download_phase::waiting;
  return state.scheduler() ? download_phase::downloading : download_phase::connecting;
}

}  // namespace

download_progress describe(download_state& state,
                           const std::vector<std::unique_ptr<download_connection>>& connections,
                           download_phase phase, double bytes_per_second) {
  download_progress p;
  p.phase = phase == download_phase::downloading ? phase_of(state, connections) : phase;
  p.downloaded_bytes = state.held_bytes();
  p.resumed_bytes = state.result_.resumed_bytes;
  p.total_bytes = state.total();
  p.bytes_per_second = bytes_per_second;
  p.generation = state.generation();
  if (phase == download_phase::complete) {
    p.percentage = 100.0;
  } else if (p.total_bytes && *p.total_bytes > 0) {
    auto share = static_cast<double>(p.downloaded_bytes) / static_cast<double>(*p.total_bytes);
    p.percentage = std::min(share * 100.0, nearly_all);
    auto left = static_cast<double>(*p.total_bytes - p.downloaded_bytes);
    if (bytes_per_second > 1)
      p.remaining = std::chrono::seconds(
          static_cast<std::int64_t>(std::ceil(std::min(left / bytes_per_second, 1e9))));
  }
  if (auto* scheduler = state.scheduler()) {
    for (auto& r : coarsened(scheduler->held().ranges(), download_progress::max_held_ranges))
      p.held.push_back({r.begin, r.end});
    auto now = state.time().now();
    for (auto& [id, piece] : scheduler->pieces()) {
      auto end = state.total() ? piece.range.end : piece.position;
      p.segments.push_back(
          {id, piece.range.begin, piece.position, end, scheduler->rate_of(id, now)});
    }
  }
  return p;
}

}  // namespace tidewire::transfer
