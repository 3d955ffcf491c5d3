#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/core/types.hpp>

#include <boost/asio/any_completion_handler.hpp>

#include <memory>

namespace tidewire {

// One pending wait. Implemented by a time source, used through `timer`.
class timer_backend {
 public:
  virtual ~timer_backend() = default;
  // Completes with success when `deadline` has come, with operation_aborted when cancelled, when
  // the backend is destroyed or when another wait begins; never from inside the call. Honours the
  // handler's cancellation slot and runs the handler on its associated executor, by default the one
  // that the backend was made for.
  virtual void async_wait(clock::time_point deadline,
                          asio::any_completion_handler<void(error_code)> handler) = 0;
  virtual void cancel() = 0;
};

// Where an execution context gets its time from: the machine, unless another one was installed.
class time_source {
 public:
  virtual ~time_source() = default;
  virtual clock::time_point now() const noexcept = 0;
  virtual std::chrono::system_clock::time_point wall_now() const noexcept = 0;
  virtual std::unique_ptr<timer_backend> make_timer(const executor& ex) = 0;
};

// Gives a context another time source. Call it before the first clock or timer on that context;
// `source` must outlive them. Not thread-safe.
void install_time_source(asio::execution_context& context, time_source& source);

// The source in force for an executor.
time_source& time_source_of(const executor& ex);

}  // namespace tidewire
