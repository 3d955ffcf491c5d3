#include <tidewire/core/stop_gate.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace tidewire {

void stop_gate::end() {
  --under_way_;
  if (stopped_) open();
}

void stop_gate::stop(asio::any_completion_handler<void()> done) {
  stopped_ = true;
  waiting_.push_back(std::move(done));
  open();
}

void stop_gate::open() {
  if (under_way_ > 0) return;
  for (auto& done : std::exchange(waiting_, {})) {
    asio::post(strand_, [strand = strand_, done = std::move(done)]() mutable {
      auto ex = asio::get_associated_executor(done, strand);
      asio::dispatch(ex, std::move(done));
    });
  }
}

}  // namespace tidewire
