#include <tidewire/lab/world.hpp>
#include <tidewire/queue/sqlite_task_store.hpp>
#include <tidewire/queue/task_queue.hpp>
#include <tidewire/queue/testing.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

namespace tidewire::queue {
namespace {

using namespace std::chrono_literals;

struct folder {
  folder() {
    auto name = ::testing::TempDir() + "tidewire-queue-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~folder() { std::filesystem::remove_all(path); }
  std::string path;
};

TEST(test_queue_test, runs_one_task_or_all) {
  testing::test_queue q;
  int tries = 0;
  q.on("flaky", task_handler::quick([&](task_context) {
         return ++tries < 3 ? outcome::retry("not yet") : outcome::done("7");
       }));
  q.on("sync",
       [](task_context c) -> asio::awaitable<outcome> { co_return outcome::done(c.payload()); });
  auto flaky = q.enqueue(new_task("flaky"));
  ASSERT_TRUE(flaky);
  ASSERT_TRUE(q.enqueue(new_task("sync", "[1]")));
  EXPECT_EQ(q.enqueue(new_task("sync", "[")).error(), errc::bad_payload);
  EXPECT_TRUE(q.is_enqueued("sync", [](auto& t) { return t.payload == "[1]"; }));
  EXPECT_FALSE(q.is_enqueued("sync", [](auto& t) { return t.payload == "[2]"; }));
  auto one = q.run_one();
  ASSERT_TRUE(one && *one);
  EXPECT_EQ((*one)->task.state, task_state::retrying);
  EXPECT_EQ(q.drain()->size(), 1u) << "what is ready now";
  auto rest = q.drain(true);
  ASSERT_EQ(rest->size(), 2u);
  EXPECT_EQ(rest->back().task.result, "7");
  EXPECT_EQ(rest->back().task.attempt, 3u);
}

TEST(test_queue_test, performs_a_handler_alone) {
  auto how = testing::perform(task_handler::quick([](task_context c) {
                                return c.is_last_attempt() ? outcome::discard(c.payload())
                                                           : outcome::retry("");
                              }),
                              new_task("k", "9"), 3);
  EXPECT_EQ(how.what(), outcome::kind::discard);
  EXPECT_EQ(how.text(), "9");
  auto threw = [](task_context) -> outcome { throw std::runtime_error("oh"); };
  EXPECT_NE(testing::perform(threw, new_task("k")).text().find("oh"), std::string::npos);
}

// A schedule on two queues over one store.
TEST(schedule_test, fires_once_over_all_queues) {
  lab::world world;
  std::shared_ptr<task_store> store = make_memory_task_store();
  task_queue_options options;
  context ctx(world.get_executor(), world.random("q"));
  task_queue a(ctx, store, options), b(ctx, store, options);
  int ran = 0;
  auto count = task_handler::quick([&](task_context) {
    ++ran;
    return outcome::done();
  });
  for (auto* q : {&a, &b}) {
    q->on("tidy", count);
    q->schedule("hourly tidy", *cron_schedule::parse("@hourly"), new_task("tidy"));
  }
  world.run_for(24h + 1min);
  EXPECT_EQ(ran, 24);
  world.jump_wall_clock(-1h);
  world.run_for(59min);
  EXPECT_EQ(ran, 24) << "set back: the same hour is not done twice";
  world.jump_wall_clock(3h);
  world.run_for(2min);
  EXPECT_EQ(ran, 25) << "set forward: what was missed is done once";
}

// Real threads: handlers that block keep their leases, and run beside each other.
TEST(blocking_handler_test, runs_on_a_pool) {
  asio::io_context io;
  std::shared_ptr<task_store> store = make_memory_task_store();
  context ctx(io.get_executor(), rng(1));
  task_queue_options options;
  options.max_concurrency = 2;
  task_queue q(ctx, store, options);
  std::atomic<int> inside = 0;
  std::atomic<bool> met = false;
  q.on("meet", [&](task_context c) {
    ++inside;
    while (inside < 2 && !c.stop_requested()) std::this_thread::yield();
    met = met || inside == 2;
    return outcome::done();
  });
  std::vector<new_task> both(2, new_task("meet"));
  int ended = 0;
  q.async_enqueue_all(both, [&](error_code ec, std::vector<insert_outcome> out) {
    ASSERT_FALSE(ec);
    for (auto& o : out)
      q.handle(o.id).async_wait([&](error_code failed, task_result) {
        EXPECT_FALSE(failed);
        if (++ended == 2) q.async_stop([](error_code) {});
      });
  });
  io.run();
  EXPECT_EQ(ended, 2);
  EXPECT_TRUE(met);
}

struct guest_test : ::testing::Test {
  guest_test() {
    store_sqlite::database_options mine;
    mine.application_id = 77;
    mine.migrations = {"CREATE TABLE account (name TEXT PRIMARY KEY, coins INTEGER NOT NULL)"};
    auto opened = store_sqlite::database::open(where.path + "/mine.db", mine);
    db.emplace(std::move(*opened));
    sqlite_store_options options;
    options.guest = true;
    store = *open_sqlite_task_store(where.path + "/mine.db", options);
  }
  std::int64_t count(std::string_view sql) {
    auto s = db->prepare(sql);
    EXPECT_TRUE(s) << db->last_message();
    EXPECT_TRUE(*s->step());
    return s->integer(0);
  }
  folder where;
  asio::io_context io;
  clock time{io.get_executor()};
  std::optional<store_sqlite::database> db;
  std::shared_ptr<task_store> store;
};

TEST_F(guest_test, a_task_is_there_if_the_users_transaction_commits) {
  {
    auto tx = store_sqlite::transaction::begin(*db);
    ASSERT_TRUE(db->execute("INSERT INTO account VALUES ('ann', 1)"));
    auto out = enqueue_in(*db, time, new_task("greet", "\"ann\""));
    ASSERT_TRUE(out) << out.error().message();
  }  // rolled back
  EXPECT_EQ(store->stats({}, {})->live(), 0u);
  auto tx = store_sqlite::transaction::begin(*db);
  ASSERT_TRUE(db->execute("INSERT INTO account VALUES ('ann', 1)"));
  ASSERT_TRUE(enqueue_in(*db, time, new_task("greet", "\"ann\"")));
  EXPECT_EQ(enqueue_in(*db, time, new_task("greet", "{"))->error, errc::bad_payload);
  ASSERT_TRUE(tx->commit());
  EXPECT_EQ(store->stats({}, {})->live(), 1u);
  EXPECT_EQ(count("PRAGMA application_id"), 77);
}

// T4: the first attempt commits its effect and dies before it can say so.
TEST_F(guest_test, an_effect_and_the_end_of_its_task_are_one) {
  ASSERT_TRUE(db->execute("INSERT INTO account VALUES ('ann', 0)"));
  task_queue_options options;
  options.poll_interval = 1ms;
  context ctx(io.get_executor(), rng(1));
  task_queue q(ctx, store, options);
  int runs = 0;
  std::optional<task_context> first;
  q.on("pay", task_handler::quick([&](task_context c) {
         ++runs;
         auto tx = store_sqlite::transaction::begin(*db);
         EXPECT_TRUE(db->execute("UPDATE account SET coins = coins + 1"));
         EXPECT_TRUE(complete_in(*db, time, c, "\"paid\""));
         EXPECT_TRUE(tx->commit());
         first = c;
         return outcome::retry("what the worker says now comes too late");
       }));
  task_result got;
  q.async_enqueue(new_task("pay"), [&](error_code ec, task_handle h) {
    ASSERT_FALSE(ec) << ec.message();
    h.async_wait([&](error_code failed, task_result r) {
      EXPECT_FALSE(failed) << failed.message();
      got = r;
      q.async_stop([](error_code) {});
    });
  });
  io.run();
  EXPECT_EQ(got.result, "\"paid\"");
  EXPECT_EQ(runs, 1);
  auto tx = store_sqlite::transaction::begin(*db);
  ASSERT_TRUE(db->execute("UPDATE account SET coins = coins + 1"));
  EXPECT_EQ(complete_in(*db, time, *first, "1").error(), errc::lost);
  EXPECT_EQ(count("SELECT coins FROM account"), 2) << "inside the transaction";
}

TEST(sqlite_store_test, refuses_what_is_not_its_own) {
  folder where;
  auto path = where.path + "/t.db";
  {
    store_sqlite::database_options other;
    other.application_id = 5;
    other.migrations = {"CREATE TABLE theirs (a)"};
    ASSERT_TRUE(store_sqlite::database::open(path, other));
  }
  EXPECT_EQ(open_sqlite_task_store(path).error(), store_sqlite::errc::foreign);
  EXPECT_EQ(open_sqlite_task_store("/nowhere/t.db").error(), store_sqlite::errc::cannot_open);
  sqlite_store_options guest;
  guest.guest = true;
  { ASSERT_TRUE(open_sqlite_task_store(path, guest)); }
  auto db = store_sqlite::database::open(path, [] {
    store_sqlite::database_options o;
    o.guest = true;
    return o;
  }());
  ASSERT_TRUE(db->execute("UPDATE queue_state SET version = 99"));
  EXPECT_EQ(open_sqlite_task_store(path, guest).error(), errc::newer_schema);
}

// After a boot the monotonic clock begins anew; the queue's goes on.
TEST(sqlite_store_test, its_clock_never_goes_back) {
  folder where;
  auto store = *open_sqlite_task_store(where.path + "/t.db");
  queue_time now(1'000'000s);
  machine_moment m{"one", 5000s, now};
  EXPECT_EQ(queue_time(5000s + *store->join_clock(m)), now);
  store_work work;
  work.inserts.emplace_back("k");
  ASSERT_TRUE(store->apply(std::move(work), now + 100s));
  machine_moment set_back{"two", 3s, now - 1h};
  auto then = queue_time(3s + *store->join_clock(set_back));
  EXPECT_GT(then, now + 100s);
  EXPECT_LT(then, now + 101s);
}

}  // namespace
}  // namespace tidewire::queue
