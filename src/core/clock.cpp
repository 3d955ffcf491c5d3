#include <tidewire/core/clock.hpp>
#include <tidewire/core/time_source.hpp>

namespace tidewire {

clock::clock(const executor& ex) : source_(&time_source_of(ex)) {}

clock::time_point clock::now() const noexcept {
  return source_->now();
}

std::chrono::system_clock::time_point clock::wall_now() const noexcept {
  return source_->wall_now();
}

}  // namespace tidewire
