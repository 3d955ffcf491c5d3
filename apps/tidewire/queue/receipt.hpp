#pragma once

#include <tidewire/queue/task_store.hpp>

#include <cstddef>
#include <string>

namespace tidewire::cli {

// What became of one line of `queue enqueue`, or of the payload on the command line (line 0).
struct enqueue_receipt {
  enum class state {
    queued,    // it is in the store, or was already
    rejected,  // it is not, and never will be as it stands
    unknown,   // the store failed: it may be there
  };
  std::size_t line = 0;
  state what = state::queued;
  queue::task_id id = 0;
  bool duplicate = false;
  std::string reason{};
};

enqueue_receipt receipt_of(std::size_t line, const queue::insert_outcome& how);
std::string receipt_json(const enqueue_receipt& r);
std::string receipt_text(const enqueue_receipt& r);

}  // namespace tidewire::cli
