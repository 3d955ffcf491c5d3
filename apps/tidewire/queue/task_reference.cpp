#include "queue/task_reference.hpp"

namespace tidewire::cli {

result<std::optional<queue::task_record>> find_task(queue::task_store& store,
                                                    const std::string& typed) {
  constexpr std::string_view prefix = "name:";
  if (typed.starts_with(prefix)) return store.find(typed.substr(prefix.size()));
  bool number =
      !typed.empty() && typed.size() < 19 && typed.find_first_not_of("0123456789") == typed.npos;
  if (number) return store.find(static_cast<queue::task_id>(std::stoull(typed)));
  return store.find(typed);
}

}  // namespace tidewire::cli
