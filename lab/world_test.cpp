#include <tidewire/core/initiate_on.hpp>
#include <tidewire/core/timeout.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/lab/world.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace tidewire::lab {
namespace {

using namespace std::chrono_literals;

TEST(world, runs_posted_handlers_in_order_and_dispatches_inline) {
  world w;
  std::string order;
  executor ex = w.get_executor();
  asio::post(ex, [&] {
    order += "a";
    asio::post(ex, [&] { order += "d"; });
    asio::dispatch(ex, [&] { order += "b"; });
    order += "c";
  });
  EXPECT_EQ(order, "");
  EXPECT_EQ(w.run_until_idle(), 2u);
  EXPECT_EQ(order, "abcd");
}

TEST(world, fires_timers_by_time_then_by_order_of_waiting) {
  world w;
  std::vector<int> order;
  std::vector<timer> timers;
  auto begin = w.now();
  for (int i = 0; i < 6; ++i) {
    timers.emplace_back(executor(w.get_executor()));
    timers.back().expires_after(i % 2 ? 1s : 2s);
    timers.back().async_wait([&order, i](error_code ec) {
      EXPECT_FALSE(ec);
      order.push_back(i);
    });
  }
  w.run_for(1s);
  EXPECT_EQ(order, (std::vector<int>{1, 3, 5}));
  w.run_until_idle();
  EXPECT_EQ(order, (std::vector<int>{1, 3, 5, 0, 2, 4}));
  EXPECT_EQ(w.now() - begin, 2s);
}

TEST(world, many_timers_keep_their_order_when_some_are_cancelled) {
  world w(7);
  auto random = w.random("test");
  std::vector<std::pair<clock::time_point, int>> fired;
  std::vector<event_id> ids;
  std::vector<bool> cancelled(2000, false);
  for (int i = 0; i < 2000; ++i) {
    auto when = w.now() + std::chrono::nanoseconds(random.between(0, 300));
    ids.push_back(w.at(when, [&, i] { fired.emplace_back(w.now(), i); }));
    if (i % 3 == 0) {
      auto victim = static_cast<std::size_t>(random.between(0, i));
      if (w.cancel(ids[victim])) cancelled[victim] = true;
    }
  }
  w.run_until_idle();
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
  std::size_t lost = 0;
  for (bool c : cancelled) lost += c;
  EXPECT_GT(lost, 300u);
  EXPECT_EQ(fired.size() + lost, 2000u);
  for (auto [when, i] : fired) EXPECT_FALSE(cancelled[static_cast<std::size_t>(i)]);
}

TEST(world, cancels_a_wait_by_every_road) {
  world w;
  executor ex = w.get_executor();
  std::vector<error_code> seen;
  auto note = [&](error_code ec) { seen.push_back(ec); };
  timer by_call(ex), by_expiry(ex), by_slot(ex);
  std::optional<timer> by_end(ex);
  asio::cancellation_signal stop;
  for (auto* t : {&by_call, &by_expiry, &by_slot, &*by_end}) t->expires_after(1h);
  by_call.async_wait(note);
  by_expiry.async_wait(note);
  by_end->async_wait(note);
  by_slot.async_wait(asio::bind_cancellation_slot(stop.slot(), note));
  by_call.cancel();
  by_expiry.expires_after(2h);
  by_end.reset();
  stop.emit(asio::cancellation_type::terminal);
  EXPECT_TRUE(seen.empty());  // never from within the call
  auto begin = w.now();
  w.run_until_idle();
  ASSERT_EQ(seen.size(), 4u);
  for (auto ec : seen) EXPECT_EQ(ec, asio::error::operation_aborted);
  EXPECT_EQ(w.now(), begin);
}

asio::awaitable<int> sleep_and_return(clock::duration d, int value) {
  timer t(co_await asio::this_coro::executor);
  t.expires_after(d);
  co_await t.async_wait();
  co_return value;
}

asio::awaitable<int> race() {
  using asio::experimental::awaitable_operators::operator||;
  auto first = sleep_and_return(1h, 1);
  auto second = sleep_and_return(1s, 2);
  auto both = std::move(first) || std::move(second);
  auto winner = co_await std::move(both);
  co_return winner.index() == 1 ? 2 : 1;
}

TEST(world, awaitable_operators_and_strands_run_in_virtual_time) {
  world w;
  executor strand = asio::make_strand(executor(w.get_executor()));
  int answer = 0;
  asio::co_spawn(strand, race(), [&](std::exception_ptr e, int v) {
    EXPECT_FALSE(e);
    answer = v;
  });
  auto begin = w.now();
  w.run_until_idle();
  EXPECT_EQ(answer, 2);
  EXPECT_EQ(w.now() - begin, 1s);  // the loser was cancelled, not waited for
}

TEST(world, initiate_on_and_with_timeout_work) {
  world w;
  executor strand = asio::make_strand(executor(w.get_executor()));
  error_code seen;
  asio::any_completion_handler<void(error_code)> handler = [&](error_code ec) { seen = ec; };
  auto endless = []() -> asio::awaitable<error_code> {
    timer t(co_await asio::this_coro::executor);
    t.expires_after(24h);
    auto [ec] = co_await t.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return ec;
  };
  auto body = [endless]() -> asio::awaitable<error_code> {
    auto operation = endless();
    auto bounded = with_timeout(3s, std::move(operation));
    auto ec = co_await std::move(bounded);
    co_return ec;
  };
  initiate_on<void(error_code)>(strand, std::move(handler), body);
  auto begin = w.now();
  w.run_until_idle();
  EXPECT_EQ(seen, errc::timed_out);
  EXPECT_EQ(w.now() - begin, 3s);
}

TEST(world, wall_clock_jumps_and_suspends) {
  world w;
  clock c(w.get_executor());
  auto mono = c.now();
  auto wall = c.wall_now();
  w.jump_wall_clock(-2h);
  EXPECT_EQ(c.now(), mono);
  EXPECT_EQ(c.wall_now(), wall - 2h);
  auto fired = clock::time_point();
  w.after(1s, [&] { fired = w.now(); });
  w.suspend(10min);
  EXPECT_EQ(fired, clock::time_point());
  w.run_until_idle();
  EXPECT_EQ(fired, mono + 10min);
  EXPECT_EQ(c.wall_now(), wall - 2h + 10min);
}

std::uint64_t traced_run(std::uint64_t seed) {
  world w(seed);
  auto random = w.random("delays");
  std::function<void(int)> chain = [&](int left) {
    if (left == 0) return;
    w.note("link", {static_cast<std::uint64_t>(left)});
    w.after(std::chrono::nanoseconds(random.between(1, 1000)), [&, left] { chain(left - 1); });
  };
  chain(50);
  w.run_until_idle();
  return w.trace_hash();
}

TEST(world, the_trace_depends_on_the_seed_alone) {
  EXPECT_EQ(traced_run(1), traced_run(1));
  EXPECT_NE(traced_run(1), traced_run(2));
  world a(1), b(1);
  b.note("one more");
  EXPECT_NE(a.trace_hash(), b.trace_hash());
}

TEST(world, run_while_stops_and_limits_end_a_run) {
  world w;
  int runs = 0;
  std::function<void()> again = [&] {
    ++runs;
    asio::post(w.get_executor(), again);
  };
  again();
  EXPECT_TRUE(w.run_while([&] { return runs < 10; }));
  EXPECT_EQ(runs, 10);
  w.set_step_limit(w.steps() + 100);
  w.run_until_idle();
  EXPECT_TRUE(w.step_limit_reached());
  EXPECT_EQ(runs, 110);
  w.set_step_limit(1'000'000);
  w.after(0s, [] {});
  asio::post(w.get_executor(), [&] { w.stop(); });
  w.run_until_idle();
  EXPECT_EQ(runs, 111);
}

struct counted {
  explicit counted(int& n) : alive(&n) { ++*alive; }
  counted(counted&& o) noexcept : alive(std::exchange(o.alive, nullptr)) {}
  ~counted() {
    if (alive) --*alive;
  }
  int* alive;
};

asio::awaitable<void> hold(counted c, int& finished, bool nested) {
  counted inner(*c.alive);
  if (nested) co_await race();
  timer t(co_await asio::this_coro::executor);
  t.expires_after(1h);
  co_await t.async_wait();
  ++finished;
}

TEST(world, pending_work_is_destroyed_with_the_world) {
  int alive = 0, finished = 0;
  {
    world w;
    executor strand = asio::make_strand(executor(w.get_executor()));
    for (bool nested : {false, true}) {
      asio::co_spawn(w.get_executor(), hold(counted(alive), finished, nested), asio::detached);
      asio::co_spawn(strand, hold(counted(alive), finished, nested), asio::detached);
    }
    w.run_for(10ms);
    asio::co_spawn(strand, hold(counted(alive), finished, true), asio::detached);  // not begun
    asio::post(strand, [c = std::make_shared<counted>(alive)] {});
    EXPECT_GT(alive, 8);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(finished, 0);
}

TEST(world, a_killed_process_runs_nothing_more) {
  world w;
  process p(w);
  int alive = 0, finished = 0, others = 0;
  executor strand = asio::make_strand(executor(p.get_executor()));
  asio::co_spawn(strand, hold(counted(alive), finished, true), asio::detached);
  asio::co_spawn(p.get_executor(), hold(counted(alive), finished, false), asio::detached);
  asio::co_spawn(w.get_executor(), hold(counted(others), others, false), asio::detached);
  w.run_for(1ms);
  EXPECT_EQ(alive, 4);
  p.kill();
  EXPECT_EQ(alive, 0);
  asio::post(strand, [&] { ++finished; });
  asio::post(p.get_executor(), [&] { ++finished; });
  w.run_until_idle();
  EXPECT_EQ(finished, 0);
  EXPECT_EQ(others, 1);  // the other process ended as it should
}

TEST(world, a_process_may_kill_itself) {
  world w;
  process p(w);
  int alive = 0, finished = 0;
  auto suicide = [&](counted c) -> asio::awaitable<void> {
    p.kill();
    timer t(co_await asio::this_coro::executor);
    t.expires_after(1s);
    co_await t.async_wait();
    ++finished;
    c.alive = c.alive;
  };
  asio::co_spawn(p.get_executor(), suicide(counted(alive)), asio::detached);
  w.run_until_idle();
  EXPECT_EQ(finished, 0);
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace tidewire::lab
