#include "queue/store_health.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

using namespace std::chrono_literals;

// A store with a task of each of these kinds, by a clock that stands at `now`.
std::unique_ptr<queue::task_store> store_of(std::initializer_list<const char*> kinds,
                                            queue::queue_time now) {
  auto store = queue::make_memory_task_store();
  queue::store_work work;
  for (auto kind : kinds) work.inserts.emplace_back(kind);
  EXPECT_TRUE(store->apply(std::move(work), now));
  return store;
}

constexpr queue::queue_time start{std::chrono::hours(500'000)};

TEST(store_health, has_no_advice_when_all_is_well) {
  auto store = store_of({"a"}, start);
  auto found = examine(*store, start + 1s);
  ASSERT_TRUE(found);
  EXPECT_TRUE(advice_for(*found).empty());
  EXPECT_NE(health_text(*found, {}).find("All is well."), std::string::npos);
  EXPECT_EQ(found->ready_kinds, std::vector<std::string>{"a"});
}

TEST(store_health, notices_a_worker_that_is_silent) {
  auto store = store_of({"a"}, start);
  queue::store_work work;
  work.claim.emplace();
  work.claim->kinds = {"a"};
  work.claim->lease = 30s;
  ASSERT_TRUE(store->apply(std::move(work), start));
  EXPECT_EQ(examine(*store, start + 29s)->expired_leases, 0u);
  auto late = examine(*store, start + 31s);
  EXPECT_EQ(late->expired_leases, 1u);
  ASSERT_EQ(advice_for(*late).size(), 1u);
  EXPECT_NE(advice_for(*late)[0].find("silent"), std::string::npos);
}

TEST(store_health, notices_a_pause_and_tasks_that_nobody_runs) {
  auto store = store_of({"a", "b\u202e"}, start);
  auto late = examine(*store, start + 11min);
  ASSERT_EQ(advice_for(*late).size(), 1u);
  EXPECT_NE(advice_for(*late)[0].find("a, b\u202e"), std::string::npos);
  EXPECT_EQ(health_text(*late, advice_for(*late)).find("\u202e"), std::string::npos);
  ASSERT_TRUE(store->set_paused(true));
  late = examine(*store, start + 11min);
  ASSERT_EQ(advice_for(*late).size(), 1u) << "while it is paused they must wait";
  auto o = boost::json::parse(health_json(*late, advice_for(*late))).as_object();
  EXPECT_EQ(o.at("advice").as_array().size(), 1u);
  EXPECT_EQ(o.at("stats").at("paused"), true);
}

TEST(store_health, notices_dead_letters) {
  store_health h;
  h.counts.states[static_cast<std::size_t>(queue::task_state::discarded)] = 2;
  ASSERT_EQ(advice_for(h).size(), 1u);
  EXPECT_TRUE(advice_for(h)[0].starts_with("2 dead letters"));
}

}  // namespace
}  // namespace tidewire::cli
