#include "core/fake_time.hpp"

#include <tidewire/core/timeout.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace tidewire {
namespace {

using namespace std::chrono_literals;

asio::awaitable<error_code> sleep(clock::duration delay) {
  timer t(co_await asio::this_coro::executor);
  t.expires_after(delay);
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await t.async_wait(token);
  co_return ec;
}

// Takes note of a cancel only when it is over.
asio::awaitable<error_code> stubborn(clock::duration delay, error_code outcome) {
  auto none = asio::disable_cancellation();
  co_await asio::this_coro::reset_cancellation_state(none);
  auto slept = sleep(delay);
  co_await std::move(slept);
  co_return outcome;
}

asio::awaitable<error_code> throws(std::exception_ptr what) {
  std::rethrow_exception(what);
  co_return error_code();
}

class with_timeout_test : public testing::Test {
 protected:
  with_timeout_test() { install_time_source(context, time); }

  void start(asio::awaitable<error_code> op) {
    asio::co_spawn(
        context, std::move(op),
        asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr e, error_code ec) {
          ASSERT_FALSE(outcome) << "completed twice";
          outcome = ec;
          failure = e;
          ended_at = time.now().time_since_epoch();
        }));
  }
  void advance(clock::duration d) { time.advance(context, d); }

  // Ended with `ec` at the instant `when`, and left nothing behind.
  void expect_ended(error_code ec, clock::duration when) {
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(failure);
    EXPECT_EQ(*outcome, ec) << outcome->message();
    EXPECT_EQ(ended_at, when);
    EXPECT_EQ(time.pending(), 0U);
  }

  test::fake_time time;
  asio::io_context context;
  asio::cancellation_signal cancel;
  std::optional<error_code> outcome;
  std::exception_ptr failure;
  clock::duration ended_at{};
};

TEST_F(with_timeout_test, the_operation_is_first) {
  start(with_timeout(5s, sleep(1s)));
  advance(10s);
  expect_ended({}, 1s);
}

TEST_F(with_timeout_test, the_deadline_is_first) {
  start(with_timeout(5s, sleep(10s)));
  advance(20s);
  expect_ended(errc::timed_out, 5s);
}

TEST_F(with_timeout_test, of_two_at_once_what_really_happened_wins) {
  start(with_timeout(5s, sleep(5s)));
  advance(20s);
  expect_ended({}, 5s);
}

asio::awaitable<error_code> in_two_steps(clock::duration first, clock::duration second) {
  auto a = sleep(first);
  co_await std::move(a);
  auto b = sleep(second);
  auto ec = co_await std::move(b);
  co_return ec;
}

// Here the deadline's handler runs first, when the success of the operation is already queued.
TEST_F(with_timeout_test, a_result_that_was_complete_before_the_cancel_wins) {
  start(with_timeout(5s, in_two_steps(1s, 4s)));
  advance(20s);
  expect_ended({}, 5s);
}

TEST_F(with_timeout_test, an_operation_that_ignores_the_cancel_is_waited_for) {
  start(with_timeout(5s, stubborn(8s, asio::error::operation_aborted)));
  advance(7s);
  EXPECT_FALSE(outcome);
  advance(7s);
  expect_ended(errc::timed_out, 8s);
}

TEST_F(with_timeout_test, its_outcome_is_kept_when_it_is_not_a_cancel) {
  start(with_timeout(5s, stubborn(8s, asio::error::connection_reset)));
  advance(20s);
  expect_ended(asio::error::connection_reset, 8s);
}

TEST_F(with_timeout_test, a_late_success_is_a_success) {
  start(with_timeout(5s, stubborn(8s, {})));
  advance(20s);
  expect_ended({}, 8s);
}

TEST_F(with_timeout_test, cancelling_the_caller_cancels_both) {
  start(with_timeout(5s, sleep(10s)));
  advance(1s);
  EXPECT_EQ(time.pending(), 2U);
  cancel.emit(asio::cancellation_type::terminal);
  advance(0s);
  expect_ended(asio::error::operation_aborted, 1s);
}

TEST_F(with_timeout_test, a_cancelled_caller_waits_for_a_stubborn_operation_too) {
  start(with_timeout(5s, stubborn(3s, asio::error::operation_aborted)));
  advance(1s);
  cancel.emit(asio::cancellation_type::terminal);
  advance(1s);
  EXPECT_FALSE(outcome);
  advance(10s);
  expect_ended(asio::error::operation_aborted, 3s);
}

TEST_F(with_timeout_test, limits_of_nothing_and_less_still_start_the_operation) {
  start(with_timeout(0s, stubborn(0s, {})));
  advance(0s);
  expect_ended({}, 0s);
  outcome.reset();
  start(with_timeout(-1s, sleep(1s)));
  advance(0s);
  expect_ended(errc::timed_out, 0s);
}

TEST_F(with_timeout_test, for_ever_is_for_ever) {
  start(with_timeout(clock::duration::max(), sleep(1000h)));
  advance(2000h);
  expect_ended({}, 1000h);
}

TEST_F(with_timeout_test, may_be_nested) {
  start(with_timeout(9s, with_timeout(5s, sleep(10s))));
  advance(20s);
  expect_ended(errc::timed_out, 5s);
  outcome.reset();
  start(with_timeout(5s, with_timeout(9s, sleep(10s))));
  advance(20s);
  expect_ended(errc::timed_out, 25s);
}

TEST_F(with_timeout_test, what_an_operation_throws_does_not_wait_for_the_deadline) {
  auto aborted = boost::system::system_error(asio::error::connection_reset);
  start(with_timeout(5s, throws(std::make_exception_ptr(aborted))));
  advance(0s);
  expect_ended(asio::error::connection_reset, 0s);

  outcome.reset();
  start(with_timeout(5s, throws(std::make_exception_ptr(std::logic_error("bug")))));
  advance(0s);
  ASSERT_TRUE(outcome);
  ASSERT_TRUE(failure);
  EXPECT_THROW(std::rethrow_exception(failure), std::logic_error);
  EXPECT_EQ(time.pending(), 0U);
}

}  // namespace
}  // namespace tidewire
