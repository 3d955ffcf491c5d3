#pragma once

#include <tidewire/queue/task_store.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace tidewire::queue {

// What only some tasks have.
struct memory_row_details {
  std::string payload, name, unique_key, metadata, batch, worker, progress, result, error;
  std::string limit_key;
  std::vector<task_id> dependants;  // that wait for this one
  std::uint32_t waits_for = 0;      // tasks that it waits for
};

struct memory_row {
  task_id id = 0;  // 0: none
  std::uint64_t fence = 0;
  std::uint32_t attempt = 0, max_attempts = 0;
  std::uint32_t running_index = 0;  // in the list of those that run
  std::uint16_t kind = 0;
  task_state state = task_state::ready;
  queue::priority priority = queue::priority::medium;
  bool cancel_requested = false;
  milliseconds timeout{}, retry_delay{};
  queue_time created{}, when{};  // when: run_at, lease_until or finished, by the state
  std::shared_ptr<const task_handler> function;
  std::unique_ptr<memory_row_details> details;

  memory_row_details& more() {
    if (!details) details = std::make_unique<memory_row_details>();
    return *details;
  }
};

// Rows by their ids, which only grow: found without hashing. A page goes when all its rows have
// gone, so that what lives long costs a pointer for each page behind it, not its neighbours.
class memory_rows {
  static constexpr std::size_t page_rows = 256;
  struct page {
    std::array<memory_row, page_rows> rows;
    std::size_t used = 0;
  };

 public:
  memory_row& add() {
    auto id = next_++;
    auto index = id / page_rows - first_page_;
    if (index >= pages_.size()) pages_.push_back(take_page());
    auto& p = *pages_[index];
    ++p.used;
    ++size_;
    auto& row = p.rows[id % page_rows];
    row.id = id;
    return row;
  }

  memory_row* find(task_id id) {
    auto number = id / page_rows;
    if (number < first_page_ || number - first_page_ >= pages_.size()) return nullptr;
    auto& p = pages_[number - first_page_];
    if (!p) return nullptr;
    auto& row = p->rows[id % page_rows];
    return row.id == id && id != 0 ? &row : nullptr;
  }

  void erase(memory_row& row) {
    auto index = row.id / page_rows - first_page_;
    row = memory_row();
    --size_;
    auto& p = pages_[index];
    // The page that ids are given from stays.
    if (--p->used > 0 || index + first_page_ == next_ / page_rows) return;
    if (!spare_) spare_ = std::move(p);
    p.reset();
    while (!pages_.empty() && !pages_.front()) {
      pages_.pop_front();
      ++first_page_;
    }
  }

  // The first row whose id is larger.
  memory_row* after(task_id id) {
    for (auto next = std::max<task_id>(id + 1, first_page_ * page_rows); next < next_; ++next) {
      auto& p = pages_[next / page_rows - first_page_];
      if (!p) {
        next += page_rows - next % page_rows - 1;
        continue;
      }
      if (p->rows[next % page_rows].id == next) return &p->rows[next % page_rows];
    }
    return nullptr;
  }

  std::size_t size() const { return size_; }

 private:
  std::unique_ptr<page> take_page() {
    return spare_ ? std::move(spare_) : std::make_unique<page>();
  }

  std::deque<std::unique_ptr<page>> pages_;
  std::unique_ptr<page> spare_;
  task_id next_ = 1;
  std::uint64_t first_page_ = 0;
  std::size_t size_ = 0;
};

}  // namespace tidewire::queue
