#pragma once

#include "commands.hpp"

// The commands below `tidewire queue`. Each adds its own to the group.
namespace tidewire::cli {

void add_queue_enqueue(CLI::App& group, action& chosen);
void add_queue_list(CLI::App& group, action& chosen);
void add_queue_show(CLI::App& group, action& chosen);
void add_queue_stats(CLI::App& group, action& chosen);
void add_queue_top(CLI::App& group, action& chosen);
void add_queue_work(CLI::App& group, action& chosen);
void add_queue_changes(CLI::App& group, action& chosen);  // cancel, retry, replay, pause, resume
void add_queue_upkeep(CLI::App& group, action& chosen);   // prune, migrate, doctor
void add_queue_bench(CLI::App& group, action& chosen);

}  // namespace tidewire::cli
