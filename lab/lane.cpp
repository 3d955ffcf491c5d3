#include "lane.hpp"

#include <algorithm>
#include <utility>

namespace tidewire::lab::detail {

void lane::send(std::size_t bytes, std::function<void()> arrive, clock::duration extra) {
  if (dead_) return;
  auto free = std::max(free_, net_->w.now());
  if (faults_.bytes_per_second > 0)
    free += std::chrono::nanoseconds(bytes * 1'000'000'000 / faults_.bytes_per_second);
  free_ = free;
  last_ = std::max(last_, free + net_->delay(faults_)) + extra;
  flying_.push_back({last_, std::move(arrive)});
  schedule();
}

void lane::schedule() {
  if (scheduled_ || flying_.empty()) return;
  scheduled_ = true;
  net_->w.at(flying_.front().when, [self = shared_from_this(), mine = generation_] {
    if (self->generation_ == mine) self->front_arrived();
  });
}

void lane::front_arrived() {
  if (flying_.empty()) {
    scheduled_ = false;
    return;
  }
  auto when = net_->passes(origin_, client_, way_);
  if (when > net_->w.now()) {
    auto again = [self = shared_from_this(), mine = generation_] {
      if (self->generation_ == mine) self->front_arrived();
    };
    if (when == clock::time_point::max())
      net_->parked.push_back(std::move(again));
    else
      net_->w.at(when, std::move(again));
    return;
  }
  ++net_->events;
  auto first = std::move(flying_.front());
  flying_.pop_front();
  scheduled_ = false;
  auto self = shared_from_this();
  first.arrive();
  schedule();
}

}  // namespace tidewire::lab::detail
