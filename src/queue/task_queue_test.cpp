#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace tidewire::queue {
namespace {

using namespace std::chrono_literals;
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

// A queue in virtual time, on a memory store, with a diary of its events.
struct task_queue_test : testing::Test {
  explicit task_queue_test(task_queue_options o = {}) : options(o) {
    world.set_step_limit(1'000'000);
    options.store_executor = options.handler_executor = world.get_executor();
    make();
  }
  void make() {
    context ctx(world.get_executor(), world.random("queue"));
    q.emplace(ctx, store, options);
    auto& e = q->events();
    note(e.added, [](auto& v) { return "added " + std::to_string(v.task.id); });
    note(e.started, [](auto& v) { return "started " + std::to_string(v.task.id); });
    note(e.completed, [](auto& v) { return "completed " + std::to_string(v.task.id) + v.result; });
    note(e.failed, [](auto& v) {
      return "failed " + std::to_string(v.task.id) + (v.will_retry ? " again" : "");
    });
    note(e.exhausted, [](auto& v) { return "exhausted " + std::to_string(v.task.id); });
    note(e.cancelled, [](auto& v) { return "cancelled " + std::to_string(v.id); });
    note(e.processing_started, [](auto&) { return std::string("begin"); });
    note(e.processing_completed, [](auto&) { return std::string("end"); });
    note(e.processing_paused, [](auto&) { return std::string("paused"); });
    note(e.processing_resumed, [](auto&) { return std::string("resumed"); });
  }
  template <class Event, class Text>
  void note(signal<Event>& from, Text text) {
    auto c = from.connect([this, text](const Event& e) { diary.push_back(text(e)); });
    connections.push_back(std::make_shared<typename signal<Event>::connection>(std::move(*c)));
  }

  // Runs a handler for a while of virtual time.
  static asio::awaitable<void> pause(clock::duration d) {
    timer t(co_await asio::this_coro::executor);
    t.expires_after(d);
    auto [ec] = co_await t.async_wait(quietly);
    if (ec) throw boost::system::system_error(ec);
  }
  auto sleeper(clock::duration d) {
    return [this, d](task_context c) -> asio::awaitable<outcome> {
      begun.push_back(c.name());
      ++running, most = std::max(most, running);
      auto waiting = pause(d);
      try {
        co_await std::move(waiting);
      } catch (...) {
        --running;
        throw;
      }
      --running;
      co_return outcome::done("\"slept\"");
    };
  }
  new_task named(std::string name, priority p = priority::medium) {
    new_task t("work");
    t.name = std::move(name);
    t.priority = p;
    return t;
  }
  task_handle enqueue(new_task t) {
    task_handle out;
    error_code failed = errc::not_found;
    q->async_enqueue(std::move(t), [&](error_code ec, task_handle h) {
      failed = ec;
      out = h;
    });
    world.run_for(1ms);
    EXPECT_FALSE(failed) << failed.message();
    return out;
  }
  std::pair<error_code, task_result> await(task_handle h) {
    std::optional<std::pair<error_code, task_result>> out;
    h.async_wait([&](error_code ec, task_result r) { out.emplace(ec, std::move(r)); });
    world.run_while([&] { return !out; });
    return out.value_or(std::pair<error_code, task_result>(tidewire::errc::timed_out, {}));
  }
  queue_status status() {
    queue_status out;
    q->async_status([&](error_code, queue_status s) { out = s; });
    world.run_for(1ms);
    return out;
  }

  lab::world world;
  std::shared_ptr<task_store> store = make_memory_task_store();
  task_queue_options options;
  std::vector<std::string> diary, begun;
  std::vector<std::shared_ptr<void>> connections;
  int running = 0, most = 0;
  std::optional<task_queue> q;
};

TEST_F(task_queue_test, runs_a_function_and_keeps_its_result) {
  auto h = q->add(
      [](task_context c) -> asio::awaitable<outcome> { co_return outcome::done(c.metadata()); },
      [] {
        new_task t;
        t.metadata = "{\"to\":\"ann\"}";
        return t;
      }());
  ASSERT_TRUE(h);
  auto [ec, r] = await(*h);
  EXPECT_FALSE(ec);
  EXPECT_EQ(r.result, "{\"to\":\"ann\"}");
  EXPECT_EQ(diary, (std::vector<std::string>{"added 1", "begin", "started 1",
                                             "completed 1{\"to\":\"ann\"}", "end"}));
  EXPECT_EQ(status().completed(), 1u);
}

TEST_F(task_queue_test, runs_so_many_at_once) {
  q->on("work", sleeper(1s));
  for (int i = 0; i < 10; ++i) enqueue(named("t" + std::to_string(i)));
  EXPECT_EQ(status().active, 3u);
  world.run_for(10s);
  EXPECT_EQ(most, 3);
  EXPECT_EQ(begun.size(), 10u);
  EXPECT_EQ(diary.back(), "end");
}

TEST_F(task_queue_test, retries_with_growing_delays_then_gives_up) {
  std::vector<clock::time_point> at;
  q->on("work", task_handler::quick([&](task_context) {
          at.push_back(world.now());
          return outcome::retry("no");
        }));
  auto h = enqueue(named("a"));
  auto [ec, r] = await(h);
  EXPECT_EQ(ec, errc::failed);
  EXPECT_EQ(r.error, "no");
  ASSERT_EQ(at.size(), 3u);
  EXPECT_LE(at[1] - at[0], 1100ms);
  EXPECT_LE(at[2] - at[1], 2100ms);
  world.run_for(1s);
  EXPECT_EQ(diary, (std::vector<std::string>{"added 1", "begin", "started 1", "failed 1 again",
                                             "started 1", "failed 1 again", "started 1", "failed 1",
                                             "exhausted 1", "end"}));
}

TEST_F(task_queue_test, an_exception_is_a_retry) {
  int n = 0;
  q->on("work", [&](task_context) -> asio::awaitable<outcome> {
    if (++n == 1) throw std::runtime_error("oh");
    co_return outcome::done();
  });
  auto [ec, r] = await(enqueue(named("a")));
  EXPECT_FALSE(ec);
  EXPECT_EQ(n, 2);
}

TEST_F(task_queue_test, a_late_handler_is_retried_and_still_counts) {
  options.max_concurrency = 1;
  make();
  auto stubborn = [&](task_context c) -> asio::awaitable<outcome> {
    begun.push_back(c.name());
    auto disabled = asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await std::move(disabled);
    timer t(world.get_executor());
    t.expires_after(5s);
    auto [ignored] = co_await t.async_wait(quietly);
    (void)ignored;
    co_return outcome::done();
  };
  q->on("work", stubborn);
  auto t = named("slow");
  t.timeout = 1s;
  t.max_attempts = 1;
  auto slow = enqueue(t);
  enqueue(named("next"));
  auto [ec, r] = await(slow);
  EXPECT_EQ(ec, errc::failed);
  EXPECT_NE(r.error.find("1000 ms"), r.error.npos);
  EXPECT_EQ(begun, std::vector<std::string>{"slow"});
  world.run_for(10s);
  EXPECT_EQ(begun, (std::vector<std::string>{"slow", "next"}));
}

TEST_F(task_queue_test, pauses_and_resumes) {
  q->on("work", sleeper(1s));
  for (int i = 0; i < 6; ++i) enqueue(named("t" + std::to_string(i)));
  bool paused = false;
  q->async_pause([&](error_code ec) { paused = !ec; });
  world.run_for(10ms);
  EXPECT_TRUE(paused);
  world.run_for(1h);
  EXPECT_EQ(begun.size(), 3u);
  EXPECT_TRUE(status().paused);
  q->async_resume([](error_code) {});
  world.run_for(10s);
  EXPECT_EQ(begun.size(), 6u);
}

TEST_F(task_queue_test, cancels_what_waits_and_what_runs) {
  options.max_concurrency = 1;
  make();
  q->on("work", sleeper(1h));
  auto first = enqueue(named("a")), second = enqueue(named("b"));
  std::vector<cancel_answer> answers;
  auto keep = [&](error_code, cancel_answer a) { answers.push_back(a); };
  q->async_cancel(second.id(), keep);
  q->async_cancel(first.id(), keep);
  q->async_cancel(99, keep);
  world.run_for(10ms);
  q->async_cancel(first.id(), keep);
  world.run_for(10ms);
  EXPECT_EQ(answers,
            (std::vector<cancel_answer>{cancel_answer::cancelled, cancel_answer::requested,
                                        cancel_answer::not_found, cancel_answer::already_final}));
  EXPECT_EQ(await(first).first, errc::cancelled);
  EXPECT_EQ(await(second).first, errc::cancelled);
}

TEST_F(task_queue_test, stops_in_bounded_time) {
  options.stop_grace = 5s;
  make();
  q->on("work", sleeper(1h));
  auto h = enqueue(named("a"));
  error_code waited, stopped = errc::lost;
  h.async_wait([&](error_code ec, task_result) { waited = ec; });
  auto begin = world.now();
  q->async_stop([&](error_code ec) { stopped = ec; });
  world.run_while([&] { return stopped == errc::lost; });
  EXPECT_FALSE(stopped) << stopped.message();
  EXPECT_EQ(waited, tidewire::errc::stopped);
  EXPECT_LE(world.now() - begin, 6s);
  EXPECT_EQ((*store->find(h.id()))->state, task_state::ready) << "its attempt was given back";
  EXPECT_EQ((*store->find(h.id()))->attempt, 0u);
}

// Two queues over one store, as two processes would be.
struct two_queues_test : task_queue_test {
  two_queues_test() {
    task_queue_options o;
    o.store_executor = o.handler_executor = world.get_executor();
    o.timeout = 1h;
    options.timeout = 1h;
    make();
    context ctx(world.get_executor(), world.random("other"));
    other.emplace(ctx, store, o);
  }
  std::optional<task_queue> other;
};

TEST_F(two_queues_test, a_long_handler_keeps_its_lease) {
  q->on("work", sleeper(10min));
  other->on("work", sleeper(10min));
  auto h = enqueue(named("long"));
  world.run_for(9min);
  EXPECT_EQ(begun.size(), 1u);
  EXPECT_FALSE(await(h).first);
  EXPECT_EQ(begun.size(), 1u);
}

TEST_F(two_queues_test, results_and_cancels_cross) {
  q->on("work", sleeper(50min));
  auto h = enqueue(named("a"));
  cancel_answer answer{};
  other->async_cancel(h.id(), [&](error_code, cancel_answer a) { answer = a; });
  auto begin = world.now();
  auto [ec, r] = await(other->handle(h.id()));
  EXPECT_EQ(answer, cancel_answer::requested);
  EXPECT_EQ(ec, errc::cancelled);
  EXPECT_LE(world.now() - begin, 12s) << "at the next heartbeat";
  auto [none, nothing] = await(other->handle(777));
  EXPECT_EQ(none, errc::not_found);
}

TEST_F(two_queues_test, a_pause_is_for_all) {
  q->on("work", sleeper(1s));
  other->on("work", sleeper(1s));
  other->async_pause([](error_code ec) { EXPECT_FALSE(ec); });
  world.run_for(1s);
  enqueue(named("a"));
  world.run_for(1h);
  EXPECT_TRUE(begun.empty());
  other->async_resume([](error_code ec) { EXPECT_FALSE(ec); });
  world.run_for(5s);
  EXPECT_EQ(begun.size(), 1u);
}

TEST_F(task_queue_test, listeners_may_throw_and_enter_again) {
  auto more = q->events().completed.connect([&](const task_completed& e) {
    if (e.task.id < 3)
      (void)q->add(task_handler::quick([](task_context) { return outcome::done(); }));
    throw std::runtime_error("not your problem");
  });
  ASSERT_TRUE(q->add(task_handler::quick([](task_context) { return outcome::done(); })));
  world.run_for(1s);
  EXPECT_EQ(status().completed(), 3u);
}

TEST_F(task_queue_test, refuses_what_it_is_told_to) {
  options.known_kinds_only = true;
  make();
  error_code got;
  q->async_enqueue(new_task("unknown"), [&](error_code ec, task_handle) { got = ec; });
  world.run_for(1ms);
  EXPECT_EQ(got, errc::unknown_kind);
  auto bad = new_task("work", "{");
  q->on("work", sleeper(1s));
  q->async_enqueue(bad, [&](error_code ec, task_handle) { got = ec; });
  world.run_for(1ms);
  EXPECT_EQ(got, errc::bad_payload);
}

TEST_F(task_queue_test, a_result_that_is_no_json_is_left_out) {
  q->on("work", task_handler::quick([](task_context) { return outcome::done("{"); }));
  auto [ec, r] = await(enqueue(named("a")));
  EXPECT_FALSE(ec);
  EXPECT_EQ(r.result, "");
}

TEST_F(task_queue_test, progress_is_kept) {
  q->on("work", [&](task_context c) -> asio::awaitable<outcome> {
    EXPECT_EQ(c.progress("{"), errc::bad_payload);
    EXPECT_EQ(c.progress(std::string(5000, '1')), errc::payload_too_large);
    EXPECT_FALSE(c.progress("{\"percent\":50}"));
    auto waiting = pause(10s);
    co_await std::move(waiting);
    co_return outcome::done();
  });
  auto h = enqueue(named("a"));
  world.run_for(2s);
  EXPECT_EQ((*store->find(h.id()))->progress, "{\"percent\":50}");
}

TEST_F(task_queue_test, many_quick_tasks_at_once) {
  int n = 0;
  for (int i = 0; i < 5000; ++i) {
    auto made = q->add(task_handler::quick([&](task_context) {
      ++n;
      return outcome::done();
    }));
    ASSERT_TRUE(made);
  }
  world.run_until_idle();
  EXPECT_FALSE(world.step_limit_reached()) << "an idle queue has no timers";
  EXPECT_EQ(n, 5000);
  EXPECT_EQ(diary.back(), "end");
}

}  // namespace
}  // namespace tidewire::queue
