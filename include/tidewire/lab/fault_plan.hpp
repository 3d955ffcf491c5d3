#pragma once

#include <tidewire/core/rng.hpp>
#include <tidewire/core/types.hpp>
#include <tidewire/lab/world.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire::lab {

// A fault that happened, or shall happen: at the index-th opportunity of a site, both from 0.
struct fault_event {
  std::string site;                 // where it is drawn: "net.reset_response", "disk.sync_error"
  std::uint64_t index = 0;          // which opportunity of that site
  std::chrono::nanoseconds time{};  // virtual time, for people; replay goes by site and index
  std::string kind;                 // the fault's name without the site's prefix
  std::int64_t parameter = 0;  // its strength: nanoseconds, bytes or parts in a million, per kind

  friend bool operator==(const fault_event&, const fault_event&) = default;
};

class fault_plan;

// One place where one kind of fault may happen. Owned by its plan.
class fault_site {
 public:
  // Another opportunity: with a probability of `ppm` in a million the fault happens, and its
  // parameter, uniform in [low, high], is returned. In a replay the list decides alone.
  std::optional<std::int64_t> draw(std::uint32_t ppm, std::int64_t low = 0, std::int64_t high = 0);

  const std::string& name() const noexcept { return name_; }
  std::uint64_t opportunities() const noexcept { return next_; }
  std::uint64_t faults() const noexcept { return faults_; }

 private:
  friend class fault_plan;
  fault_site(fault_plan& plan, std::string name, rng random);

  fault_plan& plan_;
  std::string name_;
  rng random_;
  std::uint64_t next_ = 0, faults_ = 0;
  std::map<std::uint64_t, std::int64_t> listed_;
};

// Which faults happen in a run. Either drawn, every site from a random stream of its own (so that
// one more draw here does not shift the draws elsewhere, without which a failure could not be
// shrunk), or replayed from a list, and then exactly those and no others. Records what happened in
// either case.
//
// Delays, slices and the like are not faults: they come from streams of the world's seed, so that a
// replay needs the seed as well as the list. Single-threaded.
class fault_plan {
 public:
  // Records are bounded; what comes later still happens, and recorded_all() tells.
  static constexpr std::size_t max_recorded = 1'000'000;

  // Draws with the world's seed.
  explicit fault_plan(world& w);
  // Replays.
  fault_plan(world& w, std::vector<fault_event> listed);
  fault_plan(const fault_plan&) = delete;
  fault_plan& operator=(const fault_plan&) = delete;
  ~fault_plan();

  // The site of that name; the reference stays valid as long as the plan.
  fault_site& site(std::string_view name);

  const std::vector<fault_event>& recorded() const noexcept { return recorded_; }
  bool recorded_all() const noexcept { return total_ == recorded_.size(); }
  std::uint64_t total() const noexcept { return total_; }
  // How many faults each site gave, by name: what a test of unkindness looks at.
  std::map<std::string, std::uint64_t> counts() const;

 private:
  friend class fault_site;
  void record(const fault_site& at, std::uint64_t index, std::int64_t parameter);

  world& world_;
  bool replaying_;
  std::map<std::string, std::unique_ptr<fault_site>, std::less<>> sites_;
  std::map<std::string, std::map<std::uint64_t, std::int64_t>, std::less<>> listed_;
  std::vector<fault_event> recorded_;
  std::uint64_t total_ = 0;
};

// The fault file:
// {"format":"tidewire-faults","version":1,"faults":[{"site":…,"index":…,"time_ns":…,
// "kind":…,"parameter":…}]}. Parsing checks everything; errc::invalid_argument otherwise.
std::string to_json(const std::vector<fault_event>& faults);
result<std::vector<fault_event>> faults_from_json(std::string_view text);

// Delta debugging (Zeller and Hildebrandt 2002) over a list of faults that makes a run fail: a list
// from which no single fault can be left out. `still_fails` runs the simulation with a list; it is
// called at most `max_runs` times.
std::vector<fault_event> shrink(
    std::vector<fault_event> failing,
    const std::function<bool(const std::vector<fault_event>&)>& still_fails,
    std::size_t max_runs = 2000);

}  // namespace tidewire::lab
