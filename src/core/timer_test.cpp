#include "core/fake_time.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/core/error.hpp>
#include <tidewire/core/time_source.hpp>
#include <tidewire/core/timer.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tidewire {
namespace {

using namespace std::chrono_literals;

// Remembers how often a wait completed, and how the last time.
struct outcome {
  int calls = 0;
  error_code last;
  auto handler() {
    return [this](error_code ec) {
      ++calls;
      last = ec;
    };
  }
};

TEST(clock, real_time_never_goes_back_and_moves) {
  asio::io_context context;
  clock real(context.get_executor());
  auto start = real.now();
  auto last = start;
  while (last - start < 1ms) {
    auto now = real.now();
    ASSERT_GE(now, last);
    last = now;
  }
  auto wall = real.wall_now();
  EXPECT_GT(wall.time_since_epoch(), 24h * 365 * 50);
}

TEST(timer, waits_on_a_real_io_context) {
  asio::io_context context;
  timer t(context.get_executor());
  t.expires_after(20ms);
  outcome first;
  t.async_wait(first.handler());
  EXPECT_EQ(first.calls, 0);
  context.run();
  EXPECT_EQ(first.calls, 1);
  EXPECT_FALSE(first.last);
  EXPECT_GE(clock(context.get_executor()).now(), t.expiry());
}

TEST(timer, ends_at_once_for_a_deadline_that_is_past) {
  asio::io_context context;
  timer t(context.get_executor());
  outcome o;
  for (auto delay : {0ns, -1ns, clock::duration::min()}) {
    t.expires_after(delay);
    t.async_wait(o.handler());
    context.restart();
    context.run();
    EXPECT_FALSE(o.last);
  }
  t.expires_at(clock::time_point::min());
  t.async_wait(o.handler());
  context.restart();
  context.run();
  EXPECT_FALSE(o.last);
  EXPECT_EQ(o.calls, 4);
}

TEST(timer, for_ever_does_not_wrap_round) {
  asio::io_context context;
  timer t(context.get_executor());
  outcome o;
  t.expires_after(clock::duration::max());
  EXPECT_EQ(t.expiry(), clock::time_point::max());
  t.async_wait(o.handler());
  context.poll();
  EXPECT_EQ(o.calls, 0);
  t.cancel();
  context.run();
  EXPECT_EQ(o.last, asio::error::operation_aborted);
}

TEST(timer, works_on_a_thread_pool_and_with_a_future) {
  asio::thread_pool pool(2);
  timer t(asio::make_strand(pool));
  t.expires_after(1ms);
  auto done = t.async_wait(asio::use_future);
  EXPECT_NO_THROW(done.get());
}

// The laws below must hold for the machine's time source and for an installed one.
enum class source { machine, installed };

class any_timer : public testing::TestWithParam<source> {
 protected:
  any_timer() {
    if (GetParam() == source::installed) install_time_source(context, time);
  }
  void run() { time.run(context); }

  test::fake_time time;
  asio::io_context context;
};

TEST_P(any_timer, cancel_ends_a_wait_once) {
  timer t(context.get_executor());
  outcome o;
  t.cancel();
  t.expires_after(1h);
  t.async_wait(o.handler());
  run();
  t.cancel();
  EXPECT_EQ(o.calls, 0) << "completed from inside cancel()";
  t.cancel();
  run();
  EXPECT_EQ(o.calls, 1);
  EXPECT_EQ(o.last, asio::error::operation_aborted);
}

TEST_P(any_timer, destruction_a_new_expiry_and_another_wait_end_it) {
  std::optional<timer> t(context.get_executor());
  outcome a, b, c;
  t->expires_after(1h);
  t->async_wait(a.handler());
  run();
  t->expires_after(2h);
  run();
  EXPECT_EQ(a.last, asio::error::operation_aborted);
  t->async_wait(b.handler());
  run();
  t->async_wait(c.handler());
  run();
  EXPECT_EQ(b.last, asio::error::operation_aborted);
  EXPECT_EQ(c.calls, 0);
  t.reset();
  run();
  EXPECT_EQ(c.last, asio::error::operation_aborted);
  EXPECT_EQ(a.calls + b.calls + c.calls, 3);
}

TEST_P(any_timer, the_slot_ends_it) {
  timer t(context.get_executor());
  asio::cancellation_signal signal;
  outcome o;
  t.expires_after(1h);
  t.async_wait(asio::bind_cancellation_slot(signal.slot(), o.handler()));
  run();
  signal.emit(asio::cancellation_type::terminal);
  run();
  EXPECT_EQ(o.calls, 1);
  EXPECT_EQ(o.last, asio::error::operation_aborted);
}

TEST_P(any_timer, moves_with_its_pending_wait) {
  timer t(context.get_executor());
  outcome a, b;
  t.expires_after(1h);
  t.async_wait(a.handler());
  timer moved(std::move(t));
  run();
  EXPECT_EQ(a.calls, 0);
  timer other(context.get_executor());
  other.expires_after(1h);
  other.async_wait(b.handler());
  other = std::move(moved);  // ends the wait of the one overwritten
  run();
  EXPECT_EQ(a.calls, 0);
  EXPECT_EQ(b.last, asio::error::operation_aborted);
  other.cancel();
  run();
  EXPECT_EQ(a.last, asio::error::operation_aborted);
}

TEST_P(any_timer, runs_the_handler_on_its_own_executor) {
  asio::io_context mine;
  timer t(context.get_executor());
  outcome o;
  t.expires_after(0s);
  t.async_wait(asio::bind_executor(mine, o.handler()));
  context.run_for(1s);
  EXPECT_EQ(o.calls, 0);
  mine.run();
  EXPECT_EQ(o.calls, 1);
}

TEST_P(any_timer, takes_callbacks_that_only_move_and_copies_those_that_stay) {
  timer t(context.get_executor());
  int calls = 0;
  t.expires_after(0s);
  t.async_wait([&, only = std::make_unique<int>(1)](error_code) { calls += *only; });
  run();
  auto again = [&, shared = std::make_shared<int>(1)](error_code) { calls += *shared; };
  for (int i = 0; i < 2; ++i) {
    t.async_wait(again);
    run();
  }
  EXPECT_EQ(calls, 3);
}

TEST_P(any_timer, its_context_may_go_first_with_a_wait_pending) {
  auto alive = std::make_shared<int>(0);
  {
    auto inner = std::make_unique<asio::io_context>();
    if (GetParam() == source::installed) install_time_source(*inner, time);
    // A coroutine that owns its timer is destroyed by the context.
    auto body = [](std::shared_ptr<int>, executor ex) -> asio::awaitable<void> {
      timer t(ex);
      t.expires_after(1h);
      co_await t.async_wait();
    };
    auto op = body(alive, inner->get_executor());
    asio::co_spawn(*inner, std::move(op), asio::detached);
    inner->poll();
    EXPECT_EQ(alive.use_count(), 2);
    time.drop();  // what the lab does at the end of its world; nothing with the machine's time
  }
  EXPECT_EQ(alive.use_count(), 1);
}

INSTANTIATE_TEST_SUITE_P(sources, any_timer, testing::Values(source::machine, source::installed),
                         [](const auto& about) {
                           return about.param == source::machine ? "machine" : "installed";
                         });

TEST(time_source, an_installed_one_is_used_by_clocks_timers_and_strands) {
  test::fake_time time;
  asio::io_context context;
  install_time_source(context, time);
  auto strand = asio::make_strand(context);
  EXPECT_EQ(&time_source_of(context.get_executor()), &time);
  EXPECT_EQ(&time_source_of(strand), &time);
  clock virtual_clock(strand);
  time.wall = std::chrono::sys_days(std::chrono::year(2001) / 2 / 3);
  EXPECT_EQ(virtual_clock.now(), clock::time_point());
  EXPECT_EQ(virtual_clock.wall_now(), time.wall);

  timer t(strand);
  t.expires_after(1h);
  outcome o;
  t.async_wait(o.handler());
  time.advance(context, 59min);
  EXPECT_EQ(o.calls, 0);
  time.advance(context, 1min);
  EXPECT_EQ(o.calls, 1);
  EXPECT_FALSE(o.last);
  EXPECT_EQ(virtual_clock.now(), clock::time_point(1h));
}

TEST(time_source, belongs_to_one_context_alone) {
  test::fake_time time;
  asio::io_context one, other;
  install_time_source(one, time);
  EXPECT_NE(&time_source_of(other.get_executor()), &time);
}

TEST(time_source, expiry_does_not_overflow_wherever_the_clock_starts) {
  test::fake_time time;
  asio::io_context context;
  install_time_source(context, time);
  timer t(context.get_executor());
  for (auto now : {clock::time_point::min(), clock::time_point(-1s), clock::time_point(1s),
                   clock::time_point::max()}) {
    time.set_now(now);
    t.expires_after(clock::duration::min());
    EXPECT_EQ(t.expiry(), now);
    t.expires_after(clock::duration::max());
    EXPECT_GE(t.expiry(), now);
    t.expires_after(1ns);
    EXPECT_GE(t.expiry(), now);
  }
}

}  // namespace
}  // namespace tidewire
