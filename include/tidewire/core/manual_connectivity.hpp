#pragma once

#include <tidewire/core/hooks.hpp>

#include <utility>

namespace tidewire {

// Connectivity that the application sets itself, from what its platform tells it. Not thread-safe:
// use it on the strand of the modules that listen.
class manual_connectivity final : public connectivity {
 public:
  explicit manual_connectivity(bool online = true) : online_(online) {}

  bool online() const override { return online_; }
  signal<bool>& changed() override { return changed_; }

  // Notifies only of a change. Listeners are given the state as it is when they are called, so that
  // the last thing each of them hears is true even when one of them sets it again.
  void set_online(bool online) {
    if (std::exchange(online_, online) != online) changed_.emit(online_);
  }

 private:
  bool online_;
  signal<bool> changed_;
};

}  // namespace tidewire
