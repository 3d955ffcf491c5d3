#include "loop.hpp"

#include <tidewire/core/time_source.hpp>
#include <tidewire/lab/process.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>

#include <vector>

namespace tidewire::lab {
namespace {

using wait_handler = asio::any_completion_handler<void(error_code)>;

void complete(const executor& fallback, wait_handler handler, error_code ec) {
  auto ex = asio::get_associated_executor(handler, fallback);
  asio::dispatch(ex, [h = std::move(handler), ec]() mutable {
    // Right before the handler is called, which may use the slot again.
    if (auto slot = asio::get_associated_cancellation_slot(h); slot.is_connected()) slot.clear();
    std::move(h)(ec);
  });
}

class virtual_timer final : public timer_backend {
 public:
  virtual_timer(detail::loop& l, process& owner, executor ex)
      : loop_(l), owner_(owner), executor_(std::move(ex)) {}
  ~virtual_timer() override { cancel(); }

  void async_wait(clock::time_point deadline, wait_handler handler) override {
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto id = loop_.schedule(owner_, deadline,
                             detail::task([this, h = std::move(handler)](bool fired) mutable {
                               finish(std::move(h), fired);
                             }));
    waits_.push_back(id);
    if (slot.is_connected()) {
      slot.assign([l = &loop_, id](asio::cancellation_type) { l->cancel(id); });
    }
  }

  void cancel() override {
    while (!waits_.empty()) {
      auto id = waits_.back();
      waits_.pop_back();
      loop_.cancel(id);
    }
  }

 private:
  void finish(wait_handler handler, bool fired) {
    // Ids of waits that are over are harmless, but must not pile up.
    if (waits_.size() == 1)
      waits_.clear();
    else
      std::erase_if(waits_, [this](event_id id) { return !loop_.is_pending(id); });
    if (fired) {
      complete(executor_, std::move(handler), {});
      return;
    }
    // Not from within cancel(): by the queue first, then to where the handler wants to be.
    loop_.push(owner_, detail::task([ex = executor_, h = std::move(handler)](bool) mutable {
                 complete(ex, std::move(h), asio::error::operation_aborted);
               }));
  }

  detail::loop& loop_;
  process& owner_;
  executor executor_;
  std::vector<event_id> waits_;
};

}  // namespace

class process::virtual_time final : public time_source {
 public:
  virtual_time(detail::loop& l, process& owner) : loop_(l), owner_(owner) {}
  clock::time_point now() const noexcept override { return loop_.now_; }
  std::chrono::system_clock::time_point wall_now() const noexcept override {
    return loop_.wall_now();
  }
  std::unique_ptr<timer_backend> make_timer(const executor& ex) override {
    return std::make_unique<virtual_timer>(loop_, owner_, ex);
  }

 private:
  detail::loop& loop_;
  process& owner_;
};

process::process(detail::loop& l) : loop_(l), time_(std::make_unique<virtual_time>(l, *this)) {
  install_time_source(*this, *time_);
}

process::process(world& w) : process(*w.owned_loop) {}

process::~process() {
  kill();
  // What was queued since: coroutine frames of objects that went after the kill.
  loop_.discard(this);
}

void process::kill() {
  if (!std::exchange(alive_, false)) return;
  shutdown();
  loop_.discard(this);
}

bool process::runs_here() const noexcept {
  return alive_ && loop_.running_;
}

void process::push(detail::task work) {
  loop_.push(*this, std::move(work));
}

}  // namespace tidewire::lab
