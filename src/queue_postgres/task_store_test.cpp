#include "task_store_test_support.hpp"

#include <tidewire/core/error.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace tidewire::queue::test {
namespace {

using namespace std::chrono_literals;
namespace pg = store_postgres;
using tidewire::test::postgres_cluster;

struct postgres_task_store_test : testing::Test {
  std::string url = postgres_cluster::shared().url();
  std::string schema = fresh_schema();
  std::shared_ptr<task_store> store = open_store(url, schema);

  pg::connection line() {
    pg::connection_options o;
    o.address = url;
    return std::move(*pg::connection::open(o));
  }
  std::vector<task_id> add(std::size_t n, const new_task& like = new_task("work")) {
    store_work work;
    for (std::size_t i = 0; i < n; ++i) work.inserts.push_back(like);
    auto answer = store->apply(std::move(work), {});
    std::vector<task_id> out;
    EXPECT_TRUE(answer) << answer.error().message();
    if (answer)
      for (auto& i : answer->inserts) out.push_back(i.id);
    return out;
  }
  static store_work wish(std::size_t n) {
    store_work work;
    work.claim.emplace();
    work.claim->worker = "w";
    work.claim->kinds = {"work"};
    work.claim->count = n;
    return work;
  }
  static std::vector<claimed_task> claim(task_store& from, std::size_t n) {
    auto answer = from.apply(wish(n), {});
    EXPECT_TRUE(answer) << answer.error().message();
    return answer ? std::move(answer->claimed) : std::vector<claimed_task>();
  }
  task_state state(task_id id) {
    auto r = store->find(id);
    return r && *r ? (*r)->state : task_state::unknown;
  }
};

TEST_F(postgres_task_store_test, a_task_is_there_with_the_users_commit_and_else_never_was) {
  auto db = line();
  EXPECT_EQ(enqueue_in(db, new_task("work"), schema).error(), pg::errc::misuse);
  task_id lost = 0, kept = 0;
  {
    auto whole = pg::transaction::begin(db);
    auto out = enqueue_in(db, new_task("work"), schema);
    ASSERT_TRUE(out) << db.last_message();
    lost = out->id;
    new_task named("work");
    named.name = "n";
    ASSERT_TRUE(enqueue_in(db, named, schema));
  }
  EXPECT_FALSE(*store->find(lost));
  EXPECT_FALSE(*store->find(std::string("n")));
  {
    auto whole = pg::transaction::begin(db);
    kept = enqueue_in(db, new_task("work"), schema)->id;
    EXPECT_FALSE(*store->find(kept));
    ASSERT_TRUE(whole->commit());
  }
  EXPECT_EQ(state(kept), task_state::ready);
}

// T4
TEST_F(postgres_task_store_test, an_effect_and_the_end_of_its_attempt_are_one) {
  auto db = line();
  ASSERT_TRUE(db.execute("CREATE TABLE " + schema + ".effect (n int)"));
  auto effects = [&] {
    return db.query("SELECT count(*) FROM " + schema + ".effect")->integer(0, 0);
  };
  add(1);
  auto c = claim(*store, 1).at(0);
  held_lease mine{c.id, c.fence}, stale{c.id, c.fence + 1};
  auto attempt = [&](const held_lease& with, bool commit) {
    auto whole = pg::transaction::begin(db);
    EXPECT_TRUE(db.execute("INSERT INTO " + schema + ".effect VALUES (1)"));
    auto ended = complete_in(db, with, "\"r\"", schema);
    if (ended && commit) {
      EXPECT_TRUE(whole->commit());
    }
    return ended;
  };
  EXPECT_EQ(attempt(stale, true).error(), errc::lost);
  EXPECT_TRUE(attempt(mine, false)) << "rolled back";
  EXPECT_EQ(state(c.id), task_state::running);
  EXPECT_EQ(effects(), 0);
  EXPECT_TRUE(attempt(mine, true));
  EXPECT_EQ(effects(), 1);
  EXPECT_EQ((*store->find(c.id))->result, "\"r\"");
  EXPECT_EQ(attempt(mine, true).error(), errc::lost) << "only once";
  EXPECT_EQ(effects(), 1);
  // What the queue then settles changes nothing.
  store_work work;
  work.settlements.push_back({c.id, c.fence, outcome::done("\"r\"")});
  EXPECT_EQ(store->apply(std::move(work), {})->settlements.at(0).what,
            settle_outcome::kind::repeated);
}

TEST_F(postgres_task_store_test, a_task_settled_twice_in_one_call_is_settled_once) {
  add(3);
  auto all = claim(*store, 3);
  ASSERT_EQ(all.size(), 3u);
  store_work work;
  for (auto i : {2, 0, 1, 0, 2}) {
    auto how = i == 0 ? outcome::discard("\xff\0bad") : outcome::done();
    work.settlements.push_back({all[i].id, all[i].fence, how});
  }
  auto out = store->apply(std::move(work), {});
  ASSERT_TRUE(out) << "a text that the server can't hold must not hold up the rest";
  using k = settle_outcome::kind;
  std::vector<k> whats;
  for (auto& s : out->settlements) whats.push_back(s.what);
  EXPECT_EQ(whats, (std::vector<k>{k::applied, k::applied, k::applied, k::repeated, k::repeated}));
  EXPECT_EQ(out->settlements[3].state, task_state::discarded);
  EXPECT_EQ(state(all[0].id), task_state::discarded);
}

// T2: no task begins twice, whoever asks at the same time.
TEST_F(postgres_task_store_test, many_who_claim_at_once_get_each_task_once) {
  constexpr std::size_t tasks = 2000;
  add(tasks);
  std::mutex mutex;
  std::multiset<task_id> begun;
  auto work_on = [&] {
    auto own = open_store(url, schema);
    while (true) {
      auto got = claim(*own, 17);
      store_work work;
      for (auto& t : got) work.settlements.push_back({t.id, t.fence, outcome::done()});
      {
        std::lock_guard lock(mutex);
        for (auto& t : got) begun.insert(t.id);
        if (begun.size() >= tasks) break;
      }
      if (got.empty()) std::this_thread::yield();
      auto done = own->apply(std::move(work), {});
      ASSERT_TRUE(done) << done.error().message();
      for (auto& s : done->settlements) EXPECT_EQ(s.what, settle_outcome::kind::applied);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work_on);
  for (auto& t : threads) t.join();
  EXPECT_EQ(begun.size(), tasks);
  EXPECT_EQ((std::set<task_id>(begun.begin(), begun.end()).size()), tasks);
}

// T7: over all workers.
TEST_F(postgres_task_store_test, a_limit_holds_for_all_workers_together) {
  constexpr int tasks = 300, most = 3;
  new_task limited("work");
  limited.limit.emplace();
  limited.limit->key = "host";
  limited.limit->max_running = most;
  add(tasks, limited);
  std::atomic<int> running = 0, highest = 0, done = 0;
  auto work_on = [&] {
    auto own = open_store(url, schema);
    while (done < tasks) {
      auto got = claim(*own, 5);
      auto now = running += static_cast<int>(got.size());
      for (int seen = highest; seen < now && !highest.compare_exchange_weak(seen, now);) {
      }
      if (got.empty()) continue;
      store_work work;
      for (auto& t : got) work.settlements.push_back({t.id, t.fence, outcome::done()});
      running -= static_cast<int>(got.size());
      ASSERT_TRUE(own->apply(std::move(work), {}));
      done += static_cast<int>(got.size());
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work_on);
  for (auto& t : threads) t.join();
  EXPECT_EQ(highest, most) << "the limit was passed, or never reached";
}

// T8: what began after pause() had returned claims nothing.
TEST_F(postgres_task_store_test, nothing_is_claimed_once_a_pause_has_returned) {
  add(3000);
  std::atomic<bool> paused = false, stop = false;
  std::atomic<int> before = 0, after = 0, looked = 0;
  auto work_on = [&] {
    auto own = open_store(url, schema);
    while (!stop) {
      bool late = paused;
      auto got = claim(*own, 1).size();
      (late ? after : before) += static_cast<int>(got);
      if (late) ++looked;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(work_on);
  while (before < 30) std::this_thread::yield();
  EXPECT_TRUE(store->set_paused(true));
  paused = true;
  while (looked < 100) std::this_thread::yield();
  stop = true;
  for (auto& t : threads) t.join();
  EXPECT_EQ(after, 0);
  EXPECT_LT(before, 3000) << "none was left to be claimed: the test shows nothing";
}

TEST_F(postgres_task_store_test, a_name_is_one_tasks_whoever_adds_it_at_the_same_time) {
  constexpr std::size_t names = 100;
  std::vector<std::vector<insert_outcome>> all(4);
  std::vector<std::thread> threads;
  for (auto& mine : all)
    threads.emplace_back([&] {
      auto own = open_store(url, schema);
      for (std::size_t i = 0; i < names; ++i) {
        store_work work;
        new_task t("work");
        (i % 2 ? t.name : t.unique_key) = std::to_string(i);
        work.inserts.push_back(t);
        auto answer = own->apply(std::move(work), {});
        ASSERT_TRUE(answer) << answer.error().message();
        mine.push_back(answer->inserts.at(0));
      }
    });
  for (auto& t : threads) t.join();
  for (std::size_t i = 0; i < names; ++i) {
    int fresh = 0;
    for (auto& mine : all) {
      EXPECT_EQ(mine.at(i).id, all[0][i].id);
      if (!mine[i].duplicate) ++fresh;
    }
    EXPECT_EQ(fresh, 1);
  }
}

// Whether the needed task ends before, while or after its dependant comes.
TEST_F(postgres_task_store_test, no_dependant_waits_for_what_has_ended) {
  constexpr int pairs = 150;
  std::atomic<bool> all_there = false;
  std::thread worker([&] {
    auto own = open_store(url, schema);
    for (bool last = false; !last;) {
      last = all_there;
      auto got = claim(*own, 3);
      last = last && got.empty();
      store_work work;
      for (auto& t : got) work.settlements.push_back({t.id, t.fence, outcome::done()});
      ASSERT_TRUE(own->apply(std::move(work), {}));
    }
  });
  for (int i = 0; i < pairs; ++i) {
    auto needed = add(1).at(0);
    new_task t("work");
    t.depends_on = {needed};
    add(1, t);
  }
  all_there = true;
  worker.join();
  auto stats = store->stats({}, {});
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->of(task_state::waiting), 0u);
  EXPECT_EQ(stats->of(task_state::done), 2u * pairs);
}

TEST_F(postgres_task_store_test, others_are_told_of_new_tasks) {
  auto other = open_store(url, schema);
  std::mutex mutex;
  std::condition_variable changed;
  int told = 0;
  auto watching = other->watch([&] {
    std::lock_guard lock(mutex);
    ++told;
    changed.notify_all();
  });
  ASSERT_TRUE(watching);
  auto hears_more_than = [&](int n) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 60s, [&] { return told > n; });
  };
  ASSERT_TRUE(hears_more_than(0)) << "a look at the beginning";
  int before = told;
  add(1);
  EXPECT_TRUE(hears_more_than(before)) << "from one who does not watch";
  auto also = store->watch([] {});
  before = told;
  add(1);
  EXPECT_TRUE(hears_more_than(before)) << "from one who watches";
  before = told;
  auto db = line();
  auto whole = pg::transaction::begin(db);
  ASSERT_TRUE(enqueue_in(db, new_task("work"), schema));
  ASSERT_TRUE(whole->commit());
  EXPECT_TRUE(hears_more_than(before)) << "from a transaction";
  watching.reset();
  also.reset();
}

TEST_F(postgres_task_store_test, tables_of_a_later_version_are_left_alone) {
  auto db = line();
  ASSERT_TRUE(db.execute("UPDATE " + schema + ".schema_version SET version = 99"));
  postgres_store_options o;
  o.address = url;
  o.schema = schema;
  EXPECT_EQ(open_postgres_task_store(o).error(), errc::newer_schema);
}

// A claim costs what it takes, however many tasks wait.
TEST_F(postgres_task_store_test, the_first_tasks_of_a_lane_are_found_by_the_index) {
  add(2000);
  auto db = line();
  ASSERT_TRUE(db.execute("SET search_path = " + schema + "; SET enable_seqscan = off"));
  auto plan = db.query(
      "EXPLAIN SELECT q.ctid FROM ready q WHERE q.lane = 1 AND q.kind = 'work' ORDER BY q.id LIMIT "
      "10"
      " FOR UPDATE SKIP LOCKED");
  ASSERT_TRUE(plan);
  std::string text;
  for (std::size_t row = 0; row < plan->size(); ++row)
    text += std::string(plan->text(row, 0)) + "\n";
  EXPECT_NE(text.find("Index Scan using ready_first"), text.npos) << text;
  EXPECT_EQ(text.find("Sort"), text.npos) << text;
}

TEST(postgres_task_store_crash, a_restart_between_two_calls_is_not_noticed) {
  postgres_cluster cluster;
  auto store = open_store(cluster.url(), fresh_schema());
  for (int i = 0; i < 3; ++i) {
    store_work work;
    work.inserts.emplace_back("work");
    auto answer = store->apply(std::move(work), {});
    EXPECT_TRUE(answer) << answer.error().message();
    cluster.restart();
  }
  auto stats = store->stats({}, {});
  ASSERT_TRUE(stats) << stats.error().message();
  EXPECT_EQ(stats->of(task_state::ready), 3u);
}

// T1, and settlements whose commit is not known.
TEST(postgres_task_store_crash, what_was_acknowledged_survives_the_servers_death) {
  postgres_cluster cluster;
  auto schema = fresh_schema();
  auto store = open_store(cluster.url(), schema);
  std::atomic<bool> stop = false;
  std::set<std::string> acknowledged;
  std::map<task_id, int> applied;
  std::size_t errors = 0;
  std::thread worker([&] {
    std::vector<settlement> owed;  // until the store has answered
    for (int n = 0; !stop || !owed.empty(); ++n) {
      store_work work;
      work.settlements = owed;
      std::string name = "n" + std::to_string(n);
      new_task t("work");
      t.name = name;
      if (!stop) work.inserts.push_back(t);
      work.claim.emplace();
      work.claim->kinds = {"work"};
      work.claim->count = stop ? 0 : 2;
      auto answer = store->apply(std::move(work), {});
      if (!answer) {
        EXPECT_TRUE(answer.error() == tidewire::condition::retryable) << answer.error().message();
        ++errors;
        std::this_thread::yield();
        continue;
      }
      if (!answer->inserts.empty()) acknowledged.insert(name);
      for (std::size_t i = 0; i < owed.size(); ++i) {
        EXPECT_NE(answer->settlements[i].what, settle_outcome::kind::lost);
        if (answer->settlements[i].what == settle_outcome::kind::applied) ++applied[owed[i].id];
      }
      owed.clear();
      for (auto& c : answer->claimed) owed.push_back({c.id, c.fence, outcome::done()});
    }
  });
  for (int i = 0; i < 4; ++i) {
    std::this_thread::sleep_for(150ms);  // some work between two deaths
    cluster.kill();
    cluster.start();
  }
  std::this_thread::sleep_for(150ms);
  stop = true;
  worker.join();
  EXPECT_GT(errors, 0u);
  EXPECT_GT(acknowledged.size(), 10u);
  for (auto& name : acknowledged) {
    auto found = store->find(name);
    ASSERT_TRUE(found);
    EXPECT_TRUE(*found) << name << " was acknowledged and is gone";
  }
  for (auto& [id, times] : applied) EXPECT_EQ(times, 1) << id;
}

}  // namespace
}  // namespace tidewire::queue::test
