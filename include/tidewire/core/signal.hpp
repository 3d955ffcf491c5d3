#pragma once

#include <tidewire/core/error.hpp>
#include <tidewire/core/types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace tidewire {

// Listeners of one kind of event, bounded in number and isolated from each other: one that throws,
// disconnects itself or others, connects more or emits again harms nobody.
//
// A listener connected during an emit hears the next one; one disconnected during an emit hears
// nothing more, and nobody does once the signal is gone: the event is often a part of its owner.
// Listeners run in the order of connection. Not thread-safe: use it on one strand.
template <class Event>
class signal {
  struct listener {
    std::uint64_t id;
    std::function<void(const Event&)> call;
    bool connected = true;
  };
  struct state {
    std::vector<std::shared_ptr<listener>> listeners;
    std::uint64_t next_id = 1;
    std::uint64_t failures = 0;
  };

 public:
  // Disconnects when destroyed. May outlive the signal.
  class connection {
   public:
    connection() = default;
    connection(connection&& other) noexcept = default;
    connection& operator=(connection&& other) noexcept {
      if (this == &other) return *this;
      disconnect();
      state_ = std::move(other.state_);
      id_ = other.id_;
      return *this;
    }
    ~connection() { disconnect(); }

    void disconnect() {
      auto alive = std::exchange(state_, {}).lock();
      if (!alive) return;
      auto& all = alive->listeners;
      auto it = std::find_if(all.begin(), all.end(), [&](auto& l) { return l->id == id_; });
      if (it == all.end()) return;
      // Destroyed last: what the listener holds may disconnect others from its destructor.
      auto gone = std::move(*it);
      gone->connected = false;
      all.erase(it);
    }

   private:
    friend signal;
    connection(std::weak_ptr<state> s, std::uint64_t id) : state_(std::move(s)), id_(id) {}
    std::weak_ptr<state> state_;
    std::uint64_t id_ = 0;
  };

  explicit signal(std::size_t max_listeners = 64) : max_listeners_(max_listeners) {}
  signal(const signal&) = delete;
  signal& operator=(const signal&) = delete;
  ~signal() {
    for (auto& l : state_->listeners) l->connected = false;
  }

  // errc::limit_exceeded when max_listeners are connected already.
  [[nodiscard]] result<connection> connect(std::function<void(const Event&)> call) {
    if (state_->listeners.size() >= max_listeners_) return make_error_code(errc::limit_exceeded);
    auto id = state_->next_id++;
    state_->listeners.push_back(std::make_shared<listener>(listener{id, std::move(call)}));
    return connection(state_, id);
  }

  void emit(const Event& event) const {
    auto alive = state_;                // a listener may destroy the signal
    auto listeners = alive->listeners;  // or change the list
    for (auto& l : listeners) {
      if (!l->connected) continue;
      try {
        l->call(event);
      } catch (...) {
        ++alive->failures;
      }
    }
  }

  std::size_t size() const noexcept { return state_->listeners.size(); }
  // How many times a listener threw.
  std::uint64_t failures() const noexcept { return state_->failures; }

 private:
  std::size_t max_listeners_;
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

}  // namespace tidewire
