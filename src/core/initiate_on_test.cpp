#include "core/fake_time.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/initiate.hpp>
#include <tidewire/core/initiate_on.hpp>
#include <tidewire/core/timer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace tidewire {
namespace {

using namespace std::chrono_literals;
using asio::cancellation_type;
using number_handler = asio::any_completion_handler<void(error_code, int)>;

// 42 after `delay`; reports a cancel by value.
asio::awaitable<result<int>> number_after(clock::duration delay) {
  timer t(co_await asio::this_coro::executor);
  t.expires_after(delay);
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await t.async_wait(token);
  if (ec) co_return ec;
  co_return 42;
}

// An operation written as the modules write theirs.
template <class Token = asio::use_awaitable_t<>>
auto async_number(executor strand, clock::duration delay, Token&& token = {}) {
  return initiate<void(error_code, int)>(
      [strand, delay](number_handler handler) {
        initiate_on(strand, std::move(handler), [delay] { return number_after(delay); });
      },
      std::forward<Token>(token));
}

struct outcome {
  int calls = 0;
  error_code ec;
  int value = 0;
  auto handler() {
    return [this](error_code e, int v) {
      ++calls;
      ec = e;
      value = v;
    };
  }
};

class initiate_on_test : public testing::Test {
 protected:
  initiate_on_test() { install_time_source(context, time); }

  void run() { time.run(context); }
  void advance(clock::duration d) { time.advance(context, d); }

  // Runs a coroutine to its end in virtual time.
  template <class T>
  T finish(asio::awaitable<T> op) {
    auto done = asio::co_spawn(context, std::move(op), asio::use_future);
    advance(1h);
    if (done.wait_for(0s) != std::future_status::ready) throw std::logic_error("did not end");
    return done.get();
  }

  void expect(const outcome& o, error_code ec, int value) {
    EXPECT_EQ(o.calls, 1);
    EXPECT_EQ(o.ec, ec) << o.ec.message();
    EXPECT_EQ(o.value, value);
    EXPECT_EQ(time.pending(), 0U);
  }

  test::fake_time time;
  asio::io_context context;
  executor strand = asio::make_strand(context);
};

TEST_F(initiate_on_test, completes_once_and_not_from_inside_the_call) {
  outcome o;
  async_number(strand, 1s, o.handler());
  EXPECT_EQ(o.calls, 0);
  EXPECT_EQ(time.pending(), 0U) << "the body ran inside the call";
  advance(1s);
  expect(o, {}, 42);
  advance(1h);
  expect(o, {}, 42);
}

TEST_F(initiate_on_test, an_operation_without_a_value) {
  std::optional<error_code> ended;
  auto body = []() -> asio::awaitable<error_code> { co_return make_error_code(errc::stopped); };
  initiate_on<void(error_code)>(
      strand, [&](error_code ec) { ended = ec; }, body);
  run();
  EXPECT_EQ(ended, error_code(errc::stopped));
}

TEST_F(initiate_on_test, results_that_only_move) {
  std::unique_ptr<int> got;
  auto body = [given = std::make_unique<int>(7)]() mutable
      -> asio::awaitable<result<std::unique_ptr<int>>> { co_return std::move(given); };
  initiate_on<void(error_code, std::unique_ptr<int>)>(
      strand, [&](error_code, std::unique_ptr<int> p) { got = std::move(p); }, std::move(body));
  run();
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 7);
}

TEST_F(initiate_on_test, runs_the_handler_on_its_own_executor_and_keeps_that_from_running_dry) {
  asio::io_context mine;
  outcome o;
  async_number(strand, 1s, asio::bind_executor(mine, o.handler()));
  run();
  mine.poll();
  EXPECT_FALSE(mine.stopped()) << "the handler's context ran out of work";
  advance(1s);
  EXPECT_EQ(o.calls, 0);
  mine.run();
  expect(o, {}, 42);
  EXPECT_TRUE(mine.stopped());
}

TEST_F(initiate_on_test, the_body_and_an_unbound_handler_run_on_the_strand) {
  auto typed = asio::make_strand(context);
  bool body_inside = false, handler_inside = false;
  auto body = [&]() -> asio::awaitable<error_code> {
    body_inside = typed.running_in_this_thread();
    co_return error_code();
  };
  initiate_on<void(error_code)>(
      typed, [&](error_code) { handler_inside = typed.running_in_this_thread(); }, body);
  run();
  EXPECT_TRUE(body_inside);
  EXPECT_TRUE(handler_inside);
}

// An object that resumes its coroutines from its own functions, as modules do.
struct gatekeeper {
  asio::any_completion_handler<void()> waiting;
  bool busy = false;

  auto async_open() {
    return initiate<void()>([this](asio::any_completion_handler<void()> h) { waiting.swap(h); },
                            asio::use_awaitable);
  }
  void open() {
    busy = true;
    asio::any_completion_handler<void()> resume;  // swapped: see CONTRIBUTING, Boost 1.81
    resume.swap(waiting);
    std::move(resume)();
    busy = false;
  }
};

TEST_F(initiate_on_test, a_handler_may_destroy_the_object_that_resumed_the_body) {
  auto object = std::make_unique<gatekeeper>();
  int calls = 0;
  auto body = [&]() -> asio::awaitable<error_code> {
    co_await object->async_open();
    co_return error_code();
  };
  initiate_on<void(error_code)>(
      strand,
      [&](error_code) {
        ++calls;
        EXPECT_FALSE(object->busy) << "called from inside the object";
        object.reset();
      },
      body);
  run();
  asio::post(strand, [&] { object->open(); });
  run();
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(object);
}

TEST_F(initiate_on_test, cancel_right_after_the_call) {
  asio::cancellation_signal signal;
  outcome o;
  async_number(strand, 1s, asio::bind_cancellation_slot(signal.slot(), o.handler()));
  signal.emit(cancellation_type::terminal);
  EXPECT_EQ(o.calls, 0);
  run();
  expect(o, asio::error::operation_aborted, 0);
}

// Emits when initiate_on moves it on: after the slot was taken and before the start was posted,
// where another thread's cancel may fall.
struct body_that_cancels {
  asio::cancellation_signal* signal;
  bool given = true;

  explicit body_that_cancels(asio::cancellation_signal& s) : signal(&s) {}
  body_that_cancels(body_that_cancels&& other) noexcept : signal(other.signal), given(false) {
    if (other.given) signal->emit(cancellation_type::terminal);
  }
  asio::awaitable<result<int>> operator()() { return number_after(1s); }
};

TEST_F(initiate_on_test, cancel_before_the_start_is_not_lost) {
  asio::cancellation_signal signal;
  outcome o;
  number_handler handler = asio::bind_cancellation_slot(signal.slot(), o.handler());
  // Built in place as the parameter, so that the first move is the one inside.
  initiate_on(strand, std::move(handler), body_that_cancels(signal));
  run();
  expect(o, asio::error::operation_aborted, 0);
}

TEST_F(initiate_on_test, cancel_while_it_runs) {
  asio::cancellation_signal signal;
  outcome o;
  async_number(strand, 1h, asio::bind_cancellation_slot(signal.slot(), o.handler()));
  advance(1s);
  EXPECT_EQ(time.pending(), 1U);
  signal.emit(cancellation_type::terminal);
  signal.emit(cancellation_type::terminal);
  EXPECT_EQ(o.calls, 0);
  run();
  expect(o, asio::error::operation_aborted, 0);
}

TEST_F(initiate_on_test, cancel_after_the_end_does_nothing) {
  asio::cancellation_signal signal;
  outcome o;
  async_number(strand, 1s, asio::bind_cancellation_slot(signal.slot(), o.handler()));
  advance(1s);
  signal.emit(cancellation_type::terminal);
  run();
  expect(o, {}, 42);
}

TEST_F(initiate_on_test, cancel_between_the_end_and_the_handler_does_nothing) {
  asio::io_context mine;
  asio::cancellation_signal signal;
  outcome o;
  auto bound = asio::bind_executor(mine, o.handler());
  async_number(strand, 1s, asio::bind_cancellation_slot(signal.slot(), std::move(bound)));
  advance(1s);
  signal.emit(cancellation_type::terminal);
  run();
  mine.run();
  expect(o, {}, 42);
}

TEST_F(initiate_on_test, the_users_signal_may_go_before_the_end_or_be_used_again) {
  outcome o;
  {
    asio::cancellation_signal signal;
    async_number(strand, 1s, asio::bind_cancellation_slot(signal.slot(), o.handler()));
    run();
  }
  advance(1s);
  expect(o, {}, 42);

  asio::cancellation_signal signal;
  outcome first, second;
  async_number(strand, 1s, asio::bind_cancellation_slot(signal.slot(), first.handler()));
  async_number(strand, 2s, asio::bind_cancellation_slot(signal.slot(), second.handler()));
  advance(1s);
  signal.emit(cancellation_type::terminal);
  advance(1s);
  EXPECT_EQ(first.calls + second.calls, 2);
  EXPECT_FALSE(first.ec);
  EXPECT_EQ(second.ec, asio::error::operation_aborted);
}

TEST_F(initiate_on_test, an_escaped_abort_becomes_its_code) {
  asio::cancellation_signal signal;
  outcome o;
  auto body = []() -> asio::awaitable<result<int>> {
    timer t(co_await asio::this_coro::executor);
    t.expires_after(1h);
    co_await t.async_wait();  // throws
    co_return 1;
  };
  number_handler handler = asio::bind_cancellation_slot(signal.slot(), o.handler());
  initiate_on(strand, std::move(handler), body);
  run();
  signal.emit(cancellation_type::terminal);
  run();
  expect(o, asio::error::operation_aborted, 0);
}

TEST_F(initiate_on_test, any_other_exception_ends_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto body = []() -> asio::awaitable<error_code> {
    throw std::logic_error("a bug");
    co_return error_code();
  };
  EXPECT_DEATH(
      {
        initiate_on<void(error_code)>(
            strand, [](error_code) {}, body);
        run();
      },
      "a bug");
}

TEST_F(initiate_on_test, a_context_that_goes_first_destroys_the_handler_uncalled) {
  auto alive = std::make_shared<int>(0);
  bool called = false;
  {
    asio::io_context inner;
    install_time_source(inner, time);
    auto handler = [&called, alive](error_code, int) { called = true; };
    async_number(asio::make_strand(inner), 1h, handler);  // running when the context goes
    inner.poll();
    async_number(asio::make_strand(inner), 1h, handler);  // not started
    time.drop();
  }
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_FALSE(called);
}

TEST_F(initiate_on_test, use_awaitable_gives_the_value_or_throws) {
  auto good = [](executor s) -> asio::awaitable<int> {
    auto op = async_number(s, 1s);
    co_return co_await std::move(op);
  };
  EXPECT_EQ(finish(good(strand)), 42);

  auto bad = [](executor s) -> asio::awaitable<error_code> {
    auto op = initiate<void(error_code, int)>(
        [s](number_handler h) {
          auto body = []() -> asio::awaitable<result<int>> {
            co_return make_error_code(errc::limit_exceeded);
          };
          initiate_on(s, std::move(h), body);
        },
        asio::use_awaitable);
    try {
      co_await std::move(op);
    } catch (const boost::system::system_error& e) {
      co_return e.code();
    }
    co_return error_code();
  };
  EXPECT_EQ(finish(bad(strand)), errc::limit_exceeded);
}

TEST_F(initiate_on_test, as_tuple_gives_both) {
  auto caller = [](executor s) -> asio::awaitable<int> {
    auto token = asio::as_tuple(asio::use_awaitable);
    auto op = async_number(s, 1s, token);
    auto [ec, value] = co_await std::move(op);
    co_return ec ? -1 : value;
  };
  EXPECT_EQ(finish(caller(strand)), 42);
}

TEST_F(initiate_on_test, use_future) {
  auto value = async_number(strand, 1s, asio::use_future);
  advance(1s);
  ASSERT_EQ(value.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(value.get(), 42);
}

TEST_F(initiate_on_test, deferred_starts_when_it_is_told) {
  outcome o;
  auto op = async_number(strand, 1s, asio::deferred);
  advance(1h);
  EXPECT_EQ(o.calls, 0);
  std::move(op)(o.handler());
  advance(1s);
  expect(o, {}, 42);
}

TEST_F(initiate_on_test, callbacks_that_only_move_and_ones_used_twice) {
  int sum = 0;
  auto only = std::make_unique<int>(1);
  async_number(strand, 1s, [&, only = std::move(only)](error_code, int v) { sum += v * *only; });
  auto again = [&, shared = std::make_shared<int>(1)](error_code, int v) { sum += v * *shared; };
  async_number(strand, 1s, again);
  async_number(strand, 1s, again);
  advance(1s);
  EXPECT_EQ(sum, 3 * 42);
}

asio::awaitable<std::size_t> race(executor strand, clock::duration work, clock::duration limit) {
  using asio::experimental::awaitable_operators::operator||;
  timer t(co_await asio::this_coro::executor);
  t.expires_after(limit);
  auto op = async_number(strand, work);
  auto deadline = t.async_wait();
  auto both = std::move(op) || std::move(deadline);
  auto first = co_await std::move(both);
  co_return first.index();
}

TEST_F(initiate_on_test, races_a_timer) {
  EXPECT_EQ(finish(race(strand, 1s, 2s)), 0U);
  EXPECT_EQ(finish(race(strand, 2s, 1s)), 1U);
  EXPECT_EQ(time.pending(), 0U);
}

}  // namespace
}  // namespace tidewire
