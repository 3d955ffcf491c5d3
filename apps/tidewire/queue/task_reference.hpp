#pragma once

#include <tidewire/queue/task_store.hpp>

#include <optional>
#include <string>

namespace tidewire::cli {

// The task that was meant on a command line: an id, a name, or name:NAME for a name of digits.
result<std::optional<queue::task_record>> find_task(queue::task_store& store,
                                                    const std::string& typed);

}  // namespace tidewire::cli
