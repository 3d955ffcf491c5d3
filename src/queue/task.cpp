#include <tidewire/queue/task.hpp>
#include <tidewire/queue/task_store.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::queue {
namespace {

constexpr std::array<std::string_view, priorities> priority_names{"high", "medium", "low"};
constexpr std::array<std::string_view, task_states> state_names{
    "waiting", "held",   "scheduled", "retrying",  "ready",  "running",
    "done",    "failed", "discarded", "cancelled", "unknown"};

template <class Value, class Names>
std::optional<Value> find_name(const Names& names, std::string_view text) {
  auto it = std::find(names.begin(), names.end(), text);
  if (it == names.end()) return std::nullopt;
  return static_cast<Value>(it - names.begin());
}

}  // namespace

std::string_view to_string(priority p) noexcept {
  return priority_names[static_cast<std::size_t>(p)];
}

std::string_view to_string(task_state s) noexcept {
  return state_names[static_cast<std::size_t>(s)];
}

std::optional<priority> priority_from(std::string_view text) noexcept {
  return find_name<priority>(priority_names, text);
}

std::optional<task_state> task_state_from(std::string_view text) noexcept {
  return find_name<task_state>(state_names, text);
}

std::uint64_t queue_stats::live() const {
  std::uint64_t out = 0;
  for (std::size_t s = 0; s < task_states; ++s)
    if (!is_final(static_cast<task_state>(s))) out += states[s];
  return out;
}

std::shared_ptr<void> task_store::watch(std::function<void()>) {
  return nullptr;
}

}  // namespace tidewire::queue
