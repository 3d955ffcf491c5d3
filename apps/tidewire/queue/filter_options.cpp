#include "queue/filter_options.hpp"

#include "options.hpp"

namespace tidewire::cli {

queue::task_filter filter_options::filter() const {
  auto out = which;
  if (!state.empty()) out.state = queue::task_state_from(state);
  if (!priority.empty()) out.priority = queue::priority_from(priority);
  return out;
}

void add_filter(CLI::App& command, filter_options& o) {
  std::vector<std::string> states, lanes;
  for (std::size_t i = 0; i < queue::task_states; ++i)
    states.emplace_back(to_string(static_cast<queue::task_state>(i)));
  for (std::size_t i = 0; i < queue::priorities; ++i)
    lanes.emplace_back(to_string(static_cast<queue::priority>(i)));
  add_choice(command, "--state", o.state, states, "Only tasks in this state");
  add_choice(command, "--priority", o.priority, lanes, "Only tasks of this lane");
  command.add_option("--kind", o.which.kind, "Only tasks of this kind")->type_name("KIND");
  command.add_option("--batch", o.which.batch, "Only tasks of this batch")->type_name("BATCH");
}

}  // namespace tidewire::cli
