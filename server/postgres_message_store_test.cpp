// What the PostgreSQL store must do beyond the suite in message_store_test.cpp: share its logs with
// other processes, and survive its server.
#include <tidewire/core/error.hpp>
#include <tidewire/server/message_store.hpp>
#include <tidewire/store_postgres/connection.hpp>
#include <tidewire/store_postgres/migration.hpp>

#include <cluster.hpp>
#include <gtest/gtest.h>

#include <condition_variable>
#include <latch>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;
using tidewire::test::postgres_cluster;
namespace pg = store_postgres;

// What a watch said, to be waited for.
class listener {
 public:
  message_store::moved_handler handler() {
    return [this](std::vector<moved_log> moved) {
      std::lock_guard lock(mutex_);
      if (moved.empty()) ++looks_;
      for (auto& m : moved) heads_[m.channel] = std::move(m);
      changed_.notify_all();
    };
  }
  bool wait_for(const std::string& channel, std::uint64_t head) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return heads_[channel].head >= head; });
  }
  int looks() {
    std::lock_guard lock(mutex_);
    return looks_;
  }
  bool wait_for_looks(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return looks_ >= count; });
  }
  moved_log last(const std::string& channel) {
    std::lock_guard lock(mutex_);
    return heads_[channel];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, moved_log> heads_;
  int looks_ = 0;
};

struct postgres_message_store_test : testing::Test {
  postgres_cluster& server = postgres_cluster::shared();
  std::string database = server.make_database();
  message_time now{1'700'000'000s};
  postgres_store_options options = [this] {
    postgres_store_options o;
    o.address = server.url(database);
    return o;
  }();
  std::uint64_t seed = 0;

  ~postgres_message_store_test() override {
    if (!server.running()) server.start();
  }
  std::unique_ptr<message_store> open() {
    std::string said;
    auto store = open_postgres_message_store(options, rng(++seed), {}, &said);
    if (!store) throw std::runtime_error(store.error().message() + ": " + said);
    return std::move(*store);
  }
  result<std::vector<append_outcome>> put(message_store& store, const std::string& channel,
                                          const std::string& id) {
    std::vector<new_message> one{{channel, id, "u", "1"}};
    return store.append(one, now);
  }
};

// Each offset from 1 on once, each id once.
void expect_whole(message_store& store, const std::string& channel, std::size_t count) {
  std::set<std::string> ids;
  std::uint64_t at = 0;
  while (true) {
    auto page = store.read(channel, at, 500, 1 << 20);
    ASSERT_TRUE(page);
    if (page->messages.empty()) break;
    for (const auto& m : page->messages) {
      ASSERT_EQ(m.offset, ++at);
      EXPECT_TRUE(ids.insert(m.id).second) << m.id;
    }
  }
  EXPECT_EQ(at, count);
  EXPECT_EQ(store.state(channel)->head, count);
}

TEST_F(postgres_message_store_test, writers_at_once_make_one_log) {
  constexpr int writers = 3, rounds = 60, each = 5;
  std::latch all_there(writers);
  std::vector<std::thread> all;
  for (int w = 0; w < writers; ++w)
    all.emplace_back([&, w, store = std::shared_ptr<message_store>(open())] {
      all_there.arrive_and_wait();
      for (int r = 0; r < rounds; ++r) {
        std::vector<new_message> batch;
        for (int i = 0; i < each; ++i) {
          auto own = std::to_string(w) + "." + std::to_string(r) + "." + std::to_string(i);
          // Channels in another order for each, and new ones on the way.
          auto k = (i + w) % each;
          batch.push_back({"room" + std::to_string(k), own, "", "1"});
          batch.push_back({"room" + std::to_string(k), "shared" + std::to_string(r), "", "1"});
          batch.push_back({"new" + std::to_string(r % 7), own, "", "1"});
        }
        auto done = store->append(batch, now);
        ASSERT_TRUE(done) << done.error().message();
        for (const auto& o : *done) EXPECT_FALSE(o.error);
      }
    });
  for (auto& t : all) t.join();
  auto store = open();
  for (int k = 0; k < each; ++k)
    expect_whole(*store, "room" + std::to_string(k), writers * rounds + rounds);
}

TEST_F(postgres_message_store_test, stores_agree_on_empty_logs_too) {
  auto one = open(), two = open();
  EXPECT_EQ(*one->state("room"), *two->state("room"));
  auto anew = *one->reset("room");
  EXPECT_EQ(*two->state("room"), anew);
}

TEST_F(postgres_message_store_test, goes_on_when_its_server_was_restarted) {
  auto store = open();
  ASSERT_TRUE(put(*store, "room", "a"));
  server.restart();
  auto next = put(*store, "room", "b");
  ASSERT_TRUE(next) << next.error().message();
  EXPECT_EQ(next->at(0).offset, 2u);
  server.stop();
  auto down = put(*store, "room", "c");
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error(), condition::retryable);
  EXPECT_EQ(store->state("room").error(), condition::retryable);
  server.start();
  while (true) {  // it does not ask again at once
    next = put(*store, "room", "c");
    if (next) break;
    ASSERT_EQ(next.error(), condition::retryable);
  }
  EXPECT_EQ(next->at(0).offset, 3u);
  expect_whole(*store, "room", 3);
}

TEST_F(postgres_message_store_test, loses_and_repeats_nothing_when_its_server_is_killed) {
  constexpr int count = 400;
  std::atomic<int> written = 0;
  std::thread writer([&, store = std::shared_ptr<message_store>(open())] {
    for (int i = 0; i < count; ++written)
      if (put(*store, "room", std::to_string(i))) ++i;  // else again, under the same id
  });
  for (int kills = 1; kills <= 3; ++kills) {
    while (written < kills * count / 5) std::this_thread::yield();
    server.kill();
    server.start();
  }
  writer.join();
  auto store = open();
  expect_whole(*store, "room", count);
  auto page = store->read("room", 0, count, 1 << 20);
  for (int i = 0; i < count; ++i)
    EXPECT_EQ(page->messages[std::size_t(i)].id, std::to_string(i)) << "in the order of writing";
}

TEST_F(postgres_message_store_test, tells_what_others_appended) {
  listener ears;
  options.look_interval = 1h;
  auto one = open(), two = open();
  one->watch(ears.handler());
  ASSERT_TRUE(ears.wait_for_looks(1)) << "what came before it listened is looked for";
  put(*two, "it's: a \"room\"", "a");
  ASSERT_TRUE(ears.wait_for("it's: a \"room\"", 1));
  EXPECT_EQ(ears.last("it's: a \"room\"").epoch, two->state("it's: a \"room\"")->epoch);
  auto anew = two->reset("hall");
  put(*two, "hall", "a");
  ASSERT_TRUE(ears.wait_for("hall", 1));
  EXPECT_EQ(ears.last("hall").epoch, anew->epoch);
  for (bool killed : {false, true}) {
    auto before = ears.looks();
    killed ? server.kill() : server.stop();
    server.start();
    ASSERT_TRUE(ears.wait_for_looks(before + 2))
        << "when the connection went, and when it was back";
  }
  while (!put(*two, "room", "b")) {
  }
  ASSERT_TRUE(ears.wait_for("room", 1)) << "it listens again";
  one->watch({});
}

TEST_F(postgres_message_store_test, looks_now_and_then_all_the_same) {
  listener ears;
  options.look_interval = 10ms;
  auto store = open();
  store->watch(ears.handler());
  EXPECT_TRUE(ears.wait_for_looks(3));
}

TEST_F(postgres_message_store_test, what_is_not_text_harms_nobody_else) {
  auto store = open();
  std::vector<new_message> batch{{"room", "a", "", "1"},
                                 {"room", "b", "", std::string("\0", 1)},
                                 {"room", "c", "\xff", "1"},
                                 {"ro\xffom", "d", "", "1"},
                                 {"room", "e", "", "1"}};
  auto done = store->append(batch, now);
  ASSERT_TRUE(done) << done.error().message();
  for (std::size_t i : {1, 2, 3}) EXPECT_EQ(done->at(i).error, message_errc::not_text);
  EXPECT_EQ(done->at(4).offset, 2u);
}

TEST_F(postgres_message_store_test, a_later_schema_is_left_as_it_is) {
  open();
  pg::connection_options o;
  o.address = options.address;
  auto line = pg::connection::open(o);
  ASSERT_TRUE(line->execute("UPDATE tidewire.schema_version SET version = 99"));
  std::string said;
  auto store = open_postgres_message_store(options, rng(1), {}, &said);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error(), pg::errc::newer_schema);
}

TEST_F(postgres_message_store_test, schemas_are_apart) {
  auto one = open();
  options.schema = "other";
  auto two = open();
  put(*one, "room", "a");
  EXPECT_EQ(two->state("room")->head, 0u);
  EXPECT_NE(two->state("room")->epoch, one->state("room")->epoch);
}

TEST_F(postgres_message_store_test, trimming_and_writing_at_once) {
  constexpr int rounds = 100;
  std::latch all_there(3);
  std::thread writer([&, store = std::shared_ptr<message_store>(open())] {
    all_there.arrive_and_wait();
    for (int i = 0; i < rounds; ++i) ASSERT_TRUE(put(*store, "room", std::to_string(i)));
  });
  std::vector<std::thread> trimmers;
  for (int t = 0; t < 2; ++t)
    trimmers.emplace_back([&, store = std::shared_ptr<message_store>(open())] {
      auto later = now + std::chrono::hours(24 * 365);
      all_there.arrive_and_wait();
      for (int i = 0; i < rounds; ++i) ASSERT_TRUE(store->trim(later));
    });
  writer.join();
  for (auto& t : trimmers) t.join();
  auto store = open();
  auto state = *store->state("room");
  EXPECT_EQ(state.head, std::uint64_t(rounds));
  auto page = store->read("room", 0, 1000, 1 << 20);
  EXPECT_EQ(page->messages.size(), state.head - state.oldest + 1);
}

}  // namespace
}  // namespace tidewire::server
