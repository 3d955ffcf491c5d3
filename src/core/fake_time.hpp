#pragma once

#include <tidewire/core/time_source.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

namespace tidewire::test {

// Time that stands still until a test moves it, for the unit tests of core. (The lab has the real
// virtual time; core can't depend on it.) One thread.
class fake_time final : public time_source {
  struct wait {
    const void* owner;
    clock::time_point deadline;
    executor exec;
    asio::any_completion_handler<void(error_code)> handler;
  };

 public:
  clock::time_point now() const noexcept override { return now_; }
  std::chrono::system_clock::time_point wall_now() const noexcept override { return wall; }
  std::unique_ptr<timer_backend> make_timer(const executor& ex) override {
    return std::make_unique<backend>(*this, ex);
  }

  std::size_t pending() const { return waits_.size(); }
  // Destroys what waits. Named first: a handler may own a timer that looks at the list.
  void drop() { auto gone = std::exchange(waits_, {}); }
  void set_now(clock::time_point t) { now_ = t; }

  // Runs what is ready, then each wait that falls due within `step`, in order.
  void advance(asio::io_context& context, clock::duration step) {
    auto end = now_ + step;
    run(context);
    for (;;) {
      auto next = std::min_element(waits_.begin(), waits_.end(), [](const wait& a, const wait& b) {
        return a.deadline < b.deadline;
      });
      if (next == waits_.end() || next->deadline > end) break;
      now_ = std::max(now_, next->deadline);
      // All that are due at this instant, before any handler runs: a race of equals.
      finish([this](const wait& w) { return w.deadline <= now_; }, {});
      run(context);
    }
    now_ = end;
  }

  static void run(asio::io_context& context) {
    context.restart();
    context.poll();
  }

  std::chrono::system_clock::time_point wall{};

 private:
  class backend final : public timer_backend {
   public:
    backend(fake_time& time, executor ex) : time_(time), exec_(std::move(ex)) {}
    ~backend() override { cancel(); }

    void async_wait(clock::time_point deadline,
                    asio::any_completion_handler<void(error_code)> handler) override {
      cancel();
      if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected())
        slot.assign([this](asio::cancellation_type) { cancel(); });
      time_.waits_.push_back({this, deadline, exec_, std::move(handler)});
      if (deadline <= time_.now_)
        time_.finish([this](const wait& w) { return w.owner == this; }, {});
    }
    void cancel() override {
      time_.finish([this](const wait& w) { return w.owner == this; },
                   asio::error::operation_aborted);
    }

   private:
    fake_time& time_;
    executor exec_;
  };

  template <class Which>
  void finish(Which which, error_code ec) {
    std::vector<wait> ended, rest;
    for (auto& w : waits_) (which(w) ? ended : rest).push_back(std::move(w));
    waits_ = std::move(rest);
    for (auto& w : ended) {
      auto ex = w.exec;
      asio::post(ex, [w = std::move(w), ec]() mutable {
        auto to = asio::get_associated_executor(w.handler, w.exec);
        asio::dispatch(to, [h = std::move(w.handler), ec]() mutable { std::move(h)(ec); });
      });
    }
  }

  clock::time_point now_{};
  std::vector<wait> waits_;
};

}  // namespace tidewire::test
