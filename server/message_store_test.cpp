// What every message_store must do. Another implementation adds a place, and one line at the end.
#include <tidewire/core/error.hpp>
#include <tidewire/server/message_store.hpp>
#include <tidewire/store_sqlite/error.hpp>

#include <cluster.hpp>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;

// Where a store lives for one test, so that it can be closed and opened again.
class store_place {
 public:
  virtual ~store_place() = default;
  virtual std::unique_ptr<message_store> open(message_retention keep) = 0;
  virtual bool survives() const = 0;  // what was written is there when it is opened again
};

class memory_place final : public store_place {
 public:
  std::unique_ptr<message_store> open(message_retention keep) override {
    return make_memory_message_store(rng(7), keep);
  }
  bool survives() const override { return false; }
};

class sqlite_place final : public store_place {
 public:
  sqlite_place() {
    auto name = testing::TempDir() + "tidewire-messages-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~sqlite_place() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<message_store> open(message_retention keep) override {
    std::string said;
    // Another seed each time: what must last has to be in the file.
    auto store = open_sqlite_message_store(path(), rng(++opened_), keep, &said);
    if (!store) throw std::runtime_error(store.error().message() + ": " + said);
    return std::move(*store);
  }
  bool survives() const override { return true; }
  std::string path() const { return folder_ + "/messages.db"; }

 private:
  std::string folder_;
  std::uint64_t opened_ = 0;
};

class postgres_place final : public store_place {
 public:
  std::unique_ptr<message_store> open(message_retention keep) override {
    postgres_store_options o;
    o.address = server_.url(database_);
    std::string said;
    auto store = open_postgres_message_store(o, rng(++opened_), keep, &said);
    if (!store) throw std::runtime_error(store.error().message() + ": " + said);
    return std::move(*store);
  }
  bool survives() const override { return true; }

 private:
  tidewire::test::postgres_cluster& server_ = tidewire::test::postgres_cluster::shared();
  std::string database_ = server_.make_database();
  std::uint64_t opened_ = 0;
};

struct implementation {
  const char* name;
  std::function<std::unique_ptr<store_place>()> make;
};

class message_store_conformance : public testing::TestWithParam<implementation> {
 protected:
  void open(message_retention keep = {}) {
    store.reset();
    store = place->open(keep);
  }
  // Appends one message that must be taken.
  append_outcome put(const std::string& channel, const std::string& id,
                     const std::string& data = "1") {
    std::vector<new_message> batch{{channel, id, "u", data}};
    auto done = store->append(batch, now);
    EXPECT_TRUE(done);
    return done->at(0);
  }
  void fill(const std::string& channel, int count) {
    for (int i = 0; i < count; ++i) put(channel, "fill" + std::to_string(++filled));
  }
  std::vector<std::uint64_t> offsets(const std::string& channel, std::uint64_t since,
                                     std::size_t limit = 1000, std::size_t bytes = 1 << 20) {
    std::vector<std::uint64_t> out;
    auto page = store->read(channel, since, limit, bytes);
    for (const auto& m : page->messages) out.push_back(m.offset);
    return out;
  }

  std::unique_ptr<store_place> place = GetParam().make();
  std::unique_ptr<message_store> store = place->open({});
  message_time now{1'700'000'000s};
  int filled = 0;
};

using offsets_t = std::vector<std::uint64_t>;

TEST_P(message_store_conformance, an_unwritten_channel_has_an_empty_log) {
  auto state = store->state("room");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->oldest, 1u);
  EXPECT_EQ(state->head, 0u);
  EXPECT_FALSE(state->epoch.empty());
  EXPECT_EQ(*store->state("room"), *state) << "it does not change by being asked for";
  EXPECT_NE(store->state("other")->epoch, state->epoch);
  EXPECT_TRUE(store->read("room", 0, 10, 100)->messages.empty());
  EXPECT_FALSE(store->find("room", "a")->has_value());
  put("room", "a");
  EXPECT_EQ(store->state("room")->epoch, state->epoch) << "nor by the first message";
}

TEST_P(message_store_conformance, offsets_are_dense_and_begin_with_1) {
  std::vector<new_message> batch;
  for (int i = 0; i < 5; ++i) batch.push_back({"room", "a" + std::to_string(i), "", "1"});
  batch.push_back({"other", "a0", "", "1"});
  auto done = store->append(batch, now);
  ASSERT_TRUE(done);
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(done->at(i).offset, i + 1);
  EXPECT_EQ(done->at(5).offset, 1u);
  EXPECT_EQ(put("room", "b").offset, 6u);
  EXPECT_EQ(offsets("room", 0), (offsets_t{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(store->state("room")->head, 6u);
}

TEST_P(message_store_conformance, keeps_messages_as_they_came) {
  std::string odd = "{\"a\": [1.10, \"'; DROP TABLE message; --\", \"\\u0000\xf0\x9f\x98\x80\"]}";
  std::vector<new_message> batch{{"r'o\"om", "i'd", "", odd},
                                 {"r'o\"om", "2", "zo\xc3\xab", "null"}};
  ASSERT_TRUE(store->append(batch, now));
  auto page = store->read("r'o\"om", 0, 10, 1000);
  ASSERT_EQ(page->messages.size(), 2u);
  EXPECT_EQ(page->messages[0], (stored_message{1, now, "i'd", "", odd}));
  EXPECT_EQ(page->messages[1], (stored_message{2, now, "2", "zo\xc3\xab", "null"}));
}

TEST_P(message_store_conformance, an_id_is_in_the_log_once) {
  EXPECT_FALSE(put("room", "a", "1").duplicate);
  put("room", "b", "2");
  auto again = put("room", "a", "1");
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.offset, 1u);
  EXPECT_FALSE(put("other", "a", "1").duplicate) << "ids belong to their channel";
  std::vector<new_message> twice{{"room", "c", "u", "3"}, {"room", "c", "u", "3"}};
  auto done = store->append(twice, now);
  EXPECT_FALSE(done->at(0).duplicate);
  EXPECT_TRUE(done->at(1).duplicate) << "also within a batch";
  EXPECT_EQ(offsets("room", 0), (offsets_t{1, 2, 3}));
  EXPECT_EQ(*store->find("room", "b"), 2u);
}

TEST_P(message_store_conformance, an_id_stands_for_one_message) {
  std::vector<new_message> batch{
      {"room", "a", "u", "1"}, {"room", "a", "u", "2"}, {"room", "b", "u", "3"}};
  auto done = store->append(batch, now);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->at(1).error, message_errc::id_reused);
  EXPECT_EQ(done->at(1).error, condition::permanent);
  EXPECT_EQ(done->at(2).offset, 2u) << "the others are not held up by it";
  EXPECT_EQ(store->read("room", 0, 10, 100)->messages[0].data, "1");
}

TEST_P(message_store_conformance, reads_a_page_at_a_time) {
  fill("room", 9);
  EXPECT_EQ(offsets("room", 3), (offsets_t{4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(offsets("room", 3, 2), (offsets_t{4, 5}));
  EXPECT_EQ(offsets("room", 3, 10, 3), (offsets_t{4, 5, 6})) << "three bytes of data";
  EXPECT_EQ(offsets("room", 3, 10, 0), (offsets_t{4})) << "one at least";
  EXPECT_EQ(offsets("room", 9), offsets_t{});
  EXPECT_EQ(offsets("room", 1'000'000), offsets_t{});
  EXPECT_EQ(store->read("room", 3, 2, 100)->log.head, 9u);
}

TEST_P(message_store_conformance, trims_by_number) {
  message_retention keep;
  keep.max_messages = 3;
  open(keep);
  fill("room", 5);
  auto state = *store->state("room");
  EXPECT_EQ(state.oldest, 3u);
  EXPECT_EQ(state.head, 5u);
  EXPECT_EQ(offsets("room", 0), (offsets_t{3, 4, 5}));
  auto again = put("room", "fill1");
  EXPECT_TRUE(again.duplicate) << "an id is known for longer than its message";
  EXPECT_EQ(again.offset, 1u);
  std::vector<new_message> batch;
  for (int i = 0; i < 10; ++i) batch.push_back({"room", "b" + std::to_string(i), "", "1"});
  ASSERT_TRUE(store->append(batch, now));
  EXPECT_EQ(offsets("room", 0), (offsets_t{13, 14, 15}));
}

TEST_P(message_store_conformance, trims_by_age) {
  message_retention keep;
  keep.max_age = 1h;
  keep.id_age = 2h;
  open(keep);
  fill("room", 3);
  now += 30min;
  fill("room", 2);
  fill("other", 1);
  auto trim = [&] {
    while (*store->trim(now) == trimming::more) {
    }
  };
  now += 30min;
  trim();
  EXPECT_EQ(offsets("room", 0).size(), 5u) << "an hour is not more than an hour";
  now += 1min;
  trim();
  EXPECT_EQ(offsets("room", 0), (offsets_t{4, 5}));
  now += 1h;
  trim();
  EXPECT_EQ(offsets("room", 0), offsets_t{});
  EXPECT_EQ(*store->state("room"), (log_state{store->state("room")->epoch, 6, 5}));
  EXPECT_FALSE(store->find("room", "fill1")->has_value());
  EXPECT_TRUE(store->find("room", "fill4")->has_value());
  fill("room", 1);
  EXPECT_EQ(offsets("room", 0), (offsets_t{6})) << "offsets go on";
}

TEST_P(message_store_conformance, knows_the_ids_of_all_messages_it_has) {
  message_retention keep;
  keep.max_age = 24h;
  keep.id_age = 1h;  // sooner than the messages go
  open(keep);
  put("room", "a");
  now += 2h;
  while (*store->trim(now) == trimming::more) {
  }
  EXPECT_TRUE(put("room", "a").duplicate);
}

TEST_P(message_store_conformance, trims_many_channels_a_piece_at_a_time) {
  message_retention keep;
  keep.max_age = 1h;
  keep.id_age = 1h;
  open(keep);
  std::vector<new_message> batch;
  for (int i = 0; i < 600; ++i)
    for (int k = 0; k < 3; ++k)
      batch.push_back({"c" + std::to_string(i), std::to_string(k), "", "1"});
  ASSERT_TRUE(store->append(batch, now));
  now += 2h;
  int calls = 1;
  while (*store->trim(now) == trimming::more && calls < 100) ++calls;
  EXPECT_LT(calls, 100);
  for (int i : {0, 255, 256, 599}) {
    auto state = *store->state("c" + std::to_string(i));
    EXPECT_EQ(state.oldest, 4u) << i;
    EXPECT_FALSE(store->find("c" + std::to_string(i), "0")->has_value()) << i;
  }
}

TEST_P(message_store_conformance, begins_a_log_anew) {
  fill("room", 3);
  put("other", "a");
  auto before = *store->state("room");
  auto after = store->reset("room");
  ASSERT_TRUE(after);
  EXPECT_NE(after->epoch, before.epoch);
  EXPECT_EQ(*store->state("room"), (log_state{after->epoch, 1, 0}));
  EXPECT_FALSE(put("room", "fill1").duplicate);
  EXPECT_EQ(store->state("room")->epoch, after->epoch);
  EXPECT_EQ(store->state("other")->head, 1u);
  auto never_written = store->state("new")->epoch;
  EXPECT_NE(store->reset("new")->epoch, never_written);
}

TEST_P(message_store_conformance, bounds_the_channels) {
  message_retention keep;
  keep.max_channels = 2;
  open(keep);
  std::vector<new_message> batch{
      {"a", "1", "", "1"}, {"b", "1", "", "1"}, {"c", "1", "", "1"}, {"a", "2", "", "1"}};
  auto done = store->append(batch, now);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->at(2).error, message_errc::too_many_channels);
  EXPECT_EQ(done->at(3).offset, 2u);
  EXPECT_EQ(store->state("c")->head, 0u);
  EXPECT_EQ(store->reset("c").error(), message_errc::too_many_channels);
}

TEST_P(message_store_conformance, tells_the_state_of_many) {
  put("b", "1");
  put("a", "1");
  std::vector<std::string> names{"a", "none", "b", "a"};
  auto all = store->states(names);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ((*all)[i], *store->state(names[i])) << i;
}

TEST_P(message_store_conformance, is_the_same_when_opened_again) {
  if (!place->survives()) GTEST_SKIP() << "lives as long as the object";
  fill("room", 3);
  auto anew = *store->reset("other");
  put("other", "o");
  auto room = *store->state("room"), other = *store->state("other"), none = *store->state("none");
  auto page = store->read("room", 0, 10, 100)->messages;
  open();
  EXPECT_EQ(*store->state("room"), room);
  EXPECT_EQ(*store->state("other"), other);
  EXPECT_EQ(*store->state("none"), none) << "an empty log keeps its epoch too";
  EXPECT_EQ(other.epoch, anew.epoch);
  EXPECT_EQ(store->read("room", 0, 10, 100)->messages, page);
  EXPECT_TRUE(put("room", "fill2").duplicate);
  EXPECT_EQ(put("room", "z").offset, 4u);
}

TEST(sqlite_message_store, has_its_file_for_itself) {
  sqlite_place place;
  auto one = place.open({});
  std::string said;
  auto two = open_sqlite_message_store(place.path(), rng(1), {}, &said);
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error(), store_sqlite::errc::locked);
  struct stat s {};
  ASSERT_EQ(::stat(place.path().c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600u);
}

TEST(sqlite_message_store, keeps_a_damaged_file_as_it_is) {
  sqlite_place place;
  std::string damage(8192, 'x');
  std::ofstream(place.path(), std::ios::binary) << damage;
  auto store = open_sqlite_message_store(place.path(), rng(1));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error(), store_sqlite::errc::corrupt);
  EXPECT_EQ(std::filesystem::file_size(place.path()), damage.size());
}

INSTANTIATE_TEST_SUITE_P(
    stores, message_store_conformance,
    testing::Values(implementation{"memory", [] { return std::make_unique<memory_place>(); }},
                    implementation{"sqlite", [] { return std::make_unique<sqlite_place>(); }},
                    implementation{"postgres", [] { return std::make_unique<postgres_place>(); }}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace tidewire::server
