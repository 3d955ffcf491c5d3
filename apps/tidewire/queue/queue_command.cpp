#include "commands.hpp"
#include "queue/queue_commands.hpp"

#include <CLI/CLI.hpp>

namespace tidewire::cli {

void add_queue(CLI::App& app, action& chosen) {
  auto* group =
      app.add_subcommand("queue", "Background tasks that are not lost: enqueue, work, look");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n"
      "  tidewire queue enqueue --store sqlite:tasks.db --kind greet '{\"name\":\"Ann\"}'\n"
      "  tidewire queue work --store sqlite:tasks.db --kind greet='jq -r .name' --until-idle\n"
      "  tidewire queue stats --store sqlite:tasks.db\n"
      "\n"
      "Exit codes: 0 done; 2 wrong command line; 3 the store is locked or out of reach; 4 "
      "refused,\n"
      "such as a task that is not there; 8 the disk failed; 10 the file is no task store, is\n"
      "damaged or of a later version, and was left as it was.");
  add_queue_enqueue(*group, chosen);
  add_queue_work(*group, chosen);
  add_queue_list(*group, chosen);
  add_queue_show(*group, chosen);
  add_queue_stats(*group, chosen);
  add_queue_top(*group, chosen);
  add_queue_changes(*group, chosen);
  add_queue_upkeep(*group, chosen);
  add_queue_bench(*group, chosen);
}

}  // namespace tidewire::cli
