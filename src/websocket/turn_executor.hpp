#pragma once

#include <tidewire/core/types.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/execution.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace tidewire::websocket {

// An executor on top of a strand's or a thread's: what is posted while something of it runs, runs
// right after that, without a way through the queue. Beast posts the completion of every read that
// its buffer could serve, and a way through the queue of an io_context costs a system call: that
// call was a third of what a small message cost.
//
// A turn is bounded, so that others have theirs.
class turn_executor {
  using work = asio::any_completion_handler<void()>;
  struct turn {
    bool open = false;
    std::size_t left = 0;
    std::vector<work> ready;
  };

 public:
  static constexpr std::size_t turn_length = 64;

  // A template, so that asking whether this is an executor does not ask whether it converts to one.
  template <std::same_as<executor> Executor>
  explicit turn_executor(Executor inner)
      : inner_(std::move(inner)), turn_(std::make_shared<turn>()) {}

  template <class F>
  void execute(F f) const {
    auto& t = *turn_;
    if (never_ && t.open && t.left > 0) {
      --t.left;
      t.ready.emplace_back(std::move(f));
      return;
    }
    auto run = [turn = turn_, inner = inner_, f = std::move(f)]() mutable {
      run_turn(*turn, inner, f);
    };
    if (never_)
      asio::require(inner_, asio::execution::blocking.never).execute(std::move(run));
    else
      inner_.execute(std::move(run));
  }

  // What asio::any_io_executor asks of an executor.
  asio::execution_context& query(asio::execution::context_t c) const noexcept {
    return asio::query(inner_, c);
  }
  asio::execution::blocking_t query(asio::execution::blocking_t) const noexcept {
    return never_ ? asio::execution::blocking_t(asio::execution::blocking.never)
                  : asio::execution::blocking_t(asio::execution::blocking.possibly);
  }
  turn_executor require(asio::execution::blocking_t::never_t) const { return with(inner_, true); }
  turn_executor require(asio::execution::blocking_t::possibly_t) const {
    return with(inner_, false);
  }
  turn_executor require(asio::execution::outstanding_work_t::tracked_t p) const {
    return with(asio::prefer(inner_, p), never_);
  }
  turn_executor require(asio::execution::outstanding_work_t::untracked_t p) const {
    return with(asio::prefer(inner_, p), never_);
  }
  friend bool operator==(const turn_executor& a, const turn_executor& b) noexcept {
    return a.turn_ == b.turn_ && a.never_ == b.never_ && a.inner_ == b.inner_;
  }
  friend bool operator!=(const turn_executor& a, const turn_executor& b) noexcept {
    return !(a == b);
  }

 private:
  turn_executor with(executor inner, bool never) const {
    auto out = *this;
    out.inner_ = std::move(inner);
    out.never_ = never;
    return out;
  }

  template <class F>
  static void run_turn(turn& t, const executor& inner, F& f) {
    if (t.open) return std::move(f)();
    // What is left, when something throws, goes the long way.
    struct closing {
      turn& t;
      const executor& inner;
      ~closing() {
        t.open = false;
        for (auto& w : t.ready)
          asio::require(inner, asio::execution::blocking.never).execute(std::move(w));
        t.ready.clear();
      }
    } at_end{t, inner};
    t.open = true;
    t.left = turn_length;
    std::move(f)();
    std::vector<work> now;
    while (!t.ready.empty()) {
      now.swap(t.ready);
      for (auto& w : now) std::move(w)();
      now.clear();
    }
  }

  executor inner_;
  std::shared_ptr<turn> turn_;
  bool never_ = false;
};

}  // namespace tidewire::websocket
