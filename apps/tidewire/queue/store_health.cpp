#include "queue/store_health.hpp"

#include "escape.hpp"
#include "queue/json_line.hpp"
#include "queue/task_view.hpp"
#include "units.hpp"

#include <tidewire/core/json_text.hpp>

#include <fmt/format.h>

#include <set>

namespace tidewire::cli {
namespace {

using queue::task_state;

constexpr std::size_t page = 1000;
constexpr std::size_t most_kinds = 20;
constexpr queue::milliseconds long_wait = std::chrono::minutes(10);

result<std::uint64_t> count_expired(queue::task_store& store, queue::queue_time now) {
  queue::task_filter running;
  running.state = task_state::running;
  running.limit = page;
  std::uint64_t out = 0;
  while (true) {
    auto some = store.list(running);
    if (!some) return some.error();
    for (auto& t : *some) out += t.lease_until && *t.lease_until < now ? 1 : 0;
    if (some->size() < page) return out;
    running.after = some->back().id;
  }
}

}  // namespace

result<store_health> examine(queue::task_store& store, queue::queue_time now) {
  store_health out;
  auto counts = store.stats({}, now);
  if (!counts) return counts.error();
  out.counts = *counts;
  auto expired = count_expired(store, now);
  if (!expired) return expired.error();
  out.expired_leases = *expired;
  queue::task_filter ready;
  ready.state = task_state::ready;
  ready.limit = page;
  auto first = store.list(ready);
  if (!first) return first.error();
  std::set<std::string> kinds;
  for (auto& t : *first)
    if (kinds.size() < most_kinds) kinds.insert(t.kind);
  out.ready_kinds.assign(kinds.begin(), kinds.end());
  return out;
}

std::vector<std::string> advice_for(const store_health& h) {
  std::vector<std::string> out;
  auto dead = h.counts.of(task_state::failed) + h.counts.of(task_state::discarded) +
              h.counts.of(task_state::unknown);
  if (h.counts.paused)
    out.push_back("The queue is paused: nothing starts until `tidewire queue resume`.");
  if (h.expired_leases > 0)
    out.push_back(
        fmt::format("{} running tasks have a worker that is silent, and no other worker "
                    "took them over: start one.",
                    h.expired_leases));
  if (!h.counts.paused && h.counts.oldest_ready && *h.counts.oldest_ready > long_wait) {
    std::string kinds;
    for (auto& k : h.ready_kinds) kinds += (kinds.empty() ? "" : ", ") + k;
    out.push_back(
        fmt::format("Ready tasks wait since {}: are there enough workers, and of these "
                    "kinds? {}",
                    format_duration(*h.counts.oldest_ready), kinds));
  }
  if (dead > 0)
    out.push_back(
        fmt::format("{} dead letters: look with `tidewire queue list --state failed` "
                    "(discarded, unknown), mend the cause, then `replay`.",
                    dead));
  return out;
}

std::string health_text(const store_health& h, const std::vector<std::string>& advice) {
  auto out = fmt::format("opened; schema version {}\n", h.schema_version) + stats_text(h.counts);
  for (auto& a : advice) out += "- " + escape_terminal(a) + "\n";
  return advice.empty() ? out + "All is well.\n" : out;
}

std::string health_json(const store_health& h, const std::vector<std::string>& advice) {
  json_line out;
  out.add("schema_version", h.schema_version).add_json("stats", stats_json(h.counts));
  out.add("expired_leases", h.expired_leases);
  auto list = [](const std::vector<std::string>& texts) {
    std::string all = "[";
    for (auto& t : texts) {
      if (all.size() > 1) all += ',';
      append_json_string(all, as_utf8(t));
    }
    return all + "]";
  };
  out.add_json("ready_kinds", list(h.ready_kinds)).add_json("advice", list(advice));
  return out.text();
}

}  // namespace tidewire::cli
