// Cancels that come from other threads: in Boost 1.81 co_spawn with a user's slot is a use after
// free there, which initiate_on exists to avoid. Meant for AddressSanitizer and ThreadSanitizer.
// TIDEWIRE_CANCEL_ROUNDS sets the rounds of the first test, 200,000 in CI (four minutes under
// ThreadSanitizer on a busy machine); the others run at most 20,000.

#include <tidewire/core/initiate.hpp>
#include <tidewire/core/initiate_on.hpp>
#include <tidewire/core/rng.hpp>
#include <tidewire/core/timer.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <future>
#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire {
namespace {

using number_handler = asio::any_completion_handler<void(error_code, int)>;
using strand_type = asio::strand<asio::thread_pool::executor_type>;
using std::chrono::microseconds;

constexpr int workers = 4;

int rounds_of_each_worker() {
  const char* given = std::getenv("TIDEWIRE_CANCEL_ROUNDS");
  return (given ? std::stoi(given) : 20'000) / workers;
}

int fewer_rounds() {
  return std::min(rounds_of_each_worker(), 20'000 / workers);
}

// Ends at once, by its timer, or by a cancel, through two levels of operations.
asio::awaitable<result<int>> work(microseconds delay, int depth);

template <class Token = asio::use_awaitable_t<>>
auto async_work(executor strand, microseconds delay, int depth, Token&& token = {}) {
  return initiate<void(error_code, int)>(
      [strand, delay, depth](number_handler handler) {
        initiate_on(strand, std::move(handler), [delay, depth] { return work(delay, depth); });
      },
      std::forward<Token>(token));
}

asio::awaitable<result<int>> work(microseconds delay, int depth) {
  auto strand = co_await asio::this_coro::executor;
  if (depth > 0) {
    auto inner = async_work(strand, delay, depth - 1);
    co_return co_await std::move(inner);
  }
  if (delay.count() == 0) co_return 1;
  timer t(strand);
  t.expires_after(delay);
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await t.async_wait(token);
  if (ec) co_return ec;
  co_return 1;
}

microseconds some(rng& random) {
  return microseconds(random.between(0, 40));
}

asio::awaitable<std::size_t> race(executor object, microseconds op_delay, microseconds limit,
                                  int depth) {
  using asio::experimental::awaitable_operators::operator||;
  timer t(co_await asio::this_coro::executor);
  t.expires_after(limit);
  auto op = async_work(object, op_delay, depth);
  auto deadline = t.async_wait();
  auto both = std::move(op) || std::move(deadline);
  auto first = co_await std::move(both);
  co_return first.index();
}

struct tally {
  std::atomic<int> by_operation = 0, by_timer = 0;
};

// The caller's coroutine on one strand, the object on another.
asio::awaitable<void> race_many(executor object, tally& ended, std::uint64_t seed, int rounds) {
  rng random(seed);
  // How much longer the operation takes than a timer differs between machines and sanitizers:
  // follow it, so that the two always end close together and each wins about half of the rounds.
  microseconds allowance(0);
  for (int i = 0; i < rounds; ++i) {
    auto op_delay = some(random);
    auto limit = some(random) + allowance;
    auto depth = static_cast<int>(random.between(0, 2));
    auto one = race(object, op_delay, limit, depth);
    auto first = co_await std::move(one);
    ++(first == 0 ? ended.by_operation : ended.by_timer);
    allowance += microseconds(first == 0 ? -1 : 1);
  }
}

TEST(cancel_race, operation_against_timer_on_another_strand) {
  asio::thread_pool pool(workers);
  tally ended;
  std::vector<std::future<void>> done;
  auto rounds = rounds_of_each_worker();
  for (int w = 0; w < workers; ++w) {
    executor object = asio::make_strand(pool);
    auto all = race_many(object, ended, static_cast<std::uint64_t>(w), rounds);
    done.push_back(asio::co_spawn(asio::make_strand(pool), std::move(all), asio::use_future));
  }
  for (auto& d : done) d.get();
  EXPECT_EQ(ended.by_operation + ended.by_timer, rounds * workers);
  // Both sides must have won often, or the test shows nothing.
  EXPECT_GT(ended.by_operation, rounds / 10);
  EXPECT_GT(ended.by_timer, rounds / 10);
}

// The caller's whole race is cancelled by a third strand, sometimes.
class cancelled_caller : public std::enable_shared_from_this<cancelled_caller> {
 public:
  cancelled_caller(asio::thread_pool& pool, std::uint64_t seed, int rounds)
      : caller_(asio::make_strand(pool)),
        object_(asio::make_strand(pool)),
        canceller_(asio::make_strand(pool)),
        random_(seed),
        left_(rounds) {}

  void next() {
    if (left_-- == 0) return done.set_value();
    auto signal = std::make_shared<asio::cancellation_signal>();
    auto op = race(object_, some(random_), some(random_), 1);
    auto handler = [self = shared_from_this(), signal](std::exception_ptr, std::size_t) {
      ++self->completed;
      self->next();
    };
    auto bound = asio::bind_executor(caller_, std::move(handler));
    asio::co_spawn(caller_, std::move(op),
                   asio::bind_cancellation_slot(signal->slot(), std::move(bound)));
    // co_spawn's own slot may be used on the caller's strand alone; the cancel goes from there to
    // the object's.
    asio::post(canceller_, [caller = caller_, signal] {
      asio::post(caller, [signal] { signal->emit(asio::cancellation_type::terminal); });
    });
  }

  strand_type caller_, object_, canceller_;
  rng random_;
  int left_;
  int completed = 0;
  std::promise<void> done;
};

TEST(cancel_race, the_whole_race_is_cancelled_from_a_third_strand) {
  asio::thread_pool pool(workers);
  std::vector<std::shared_ptr<cancelled_caller>> callers;
  auto rounds = fewer_rounds();
  for (int w = 0; w < workers; ++w)
    callers.push_back(
        std::make_shared<cancelled_caller>(pool, static_cast<std::uint64_t>(w), rounds));
  for (auto& c : callers) asio::post(c->caller_, [c] { c->next(); });
  for (auto& c : callers) c->done.get_future().get();
  pool.join();
  for (auto& c : callers) EXPECT_EQ(c->completed, rounds);
}

// A callback without an executor of its own, and a signal emitted from the main thread with no
// coordination at all: what a user with plain callbacks writes.
TEST(cancel_race, plain_callbacks_cancelled_from_the_main_thread) {
  asio::thread_pool pool(workers);
  rng random(1);
  std::atomic<int> completed = 0, cancelled = 0;
  auto rounds = fewer_rounds() * workers;
  constexpr int batch = 32;
  std::vector<executor> objects;
  for (int i = 0; i < workers; ++i) objects.emplace_back(asio::make_strand(pool));
  for (int done = 0; done < rounds; done += batch) {
    std::vector<asio::cancellation_signal> signals(batch);
    for (std::size_t i = 0; i < batch; ++i) {
      auto depth = static_cast<int>(random.between(0, 1));
      auto callback = [&](error_code ec, int) {
        ++completed;
        if (ec) ++cancelled;
      };
      async_work(objects[i % workers], some(random), depth,
                 asio::bind_cancellation_slot(signals[i].slot(), callback));
      if (random.chance_ppm(300'000)) {
        signals[i].emit(asio::cancellation_type::terminal);
      }
    }
    for (auto& s : signals) s.emit(asio::cancellation_type::terminal);
  }  // the signals go here, with completions still on their way
  pool.join();
  EXPECT_EQ(completed, (rounds + batch - 1) / batch * batch);
  EXPECT_GT(cancelled, 0);
}

// Two operations of two strands against each other with no strand for the group: the one that ends
// first cancels the other from its own thread, just when that may be completing.
TEST(cancel_race, two_operations_cancel_each_other_without_a_common_strand) {
  asio::thread_pool pool(workers);
  rng random(2);
  auto rounds = fewer_rounds() * workers;
  std::atomic<int> completed = 0, first_won = 0;
  executor a = asio::make_strand(pool), b = asio::make_strand(pool);
  constexpr int batch = 16;
  int started = 0;
  while (started < rounds) {
    std::latch batch_ended(batch);
    for (int i = 0; i < batch; ++i, ++started) {
      auto one = async_work(a, some(random), 0, asio::deferred);
      auto other = async_work(b, some(random), 0, asio::deferred);
      auto group = asio::experimental::make_parallel_group(std::move(one), std::move(other));
      auto callback = [&](std::array<std::size_t, 2> order, error_code, int, error_code, int) {
        ++completed;
        if (order[0] == 0) ++first_won;
        batch_ended.count_down();
      };
      group.async_wait(asio::experimental::wait_for_one(),
                       asio::bind_executor(pool.get_executor(), callback));
    }
    batch_ended.wait();
  }
  pool.join();
  EXPECT_EQ(completed, started);
  EXPECT_GT(first_won, 0);
  EXPECT_LT(first_won, started);
}

}  // namespace
}  // namespace tidewire
