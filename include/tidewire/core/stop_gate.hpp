#pragma once

#include <tidewire/core/types.hpp>

#include <boost/asio/any_completion_handler.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace tidewire {

// Counts the operations of one object whose handlers have not returned yet, so that its stop()
// completes only when everything has ended and nothing is delivered after that. initiate_on()
// counts for who gives it one. Touched on the object's strand alone, except for the constructor.
class stop_gate {
 public:
  explicit stop_gate(executor strand) : strand_(std::move(strand)) {}

  // Whether later operations must be refused (errc::stopped).
  bool stopped() const { return stopped_; }
  // For an object that is used again after a stop that has completed.
  void reopen() { stopped_ = false; }
  std::size_t under_way() const { return under_way_; }

  void begin() { ++under_way_; }
  void end();
  // Calls `done` on its own executor (by default the strand) once nothing is under way; never from
  // inside this call. May be called again: each `done` is called.
  void stop(asio::any_completion_handler<void()> done);

 private:
  void open();

  executor strand_;
  std::vector<asio::any_completion_handler<void()>> waiting_;
  std::size_t under_way_ = 0;
  bool stopped_ = false;
};

}  // namespace tidewire
