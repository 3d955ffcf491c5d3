#include <tidewire/core/error.hpp>
#include <tidewire/store_sqlite/database.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tidewire::store_sqlite {
namespace {

constexpr std::string_view first =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT";
constexpr std::string_view second = "ALTER TABLE t ADD COLUMN more TEXT NOT NULL DEFAULT 'x'";

database_options version(std::size_t n) {
  database_options out;
  out.application_id = 0xf1234567;
  out.migrations = {first, second};
  out.migrations.resize(n);
  out.survives = durability::none;
  out.busy_timeout = std::chrono::milliseconds(0);
  return out;
}

struct database_test : testing::Test {
  database_test() {
    auto name = testing::TempDir() + "tidewire-sqlite-XXXXXX";
    folder = ::mkdtemp(name.data());
    path = folder + "/t.db";
  }
  ~database_test() override { std::filesystem::remove_all(folder); }

  void write(const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
  std::string read() {
    std::stringstream all;
    all << std::ifstream(path, std::ios::binary).rdbuf();
    return all.str();
  }
  database must_open(std::size_t v = 2) {
    std::string said;
    auto opened = database::open(path, version(v), &said);
    if (!opened) throw std::runtime_error(opened.error().message() + ": " + said);
    return std::move(*opened);
  }
  std::int64_t rows(database& db) {
    auto count = db.prepare("SELECT count(*) FROM t");
    EXPECT_TRUE(*count->step());
    return count->integer(0);
  }

  std::string folder, path;
};

TEST_F(database_test, keeps_what_was_committed) {
  {
    auto db = must_open();
    auto insert = db.prepare("INSERT INTO t (id, name) VALUES (?, ?)");
    ASSERT_TRUE(insert);
    auto tx = transaction::begin(db);
    std::string name("a'b\"; DROP TABLE t; --\0z", 23);
    ASSERT_TRUE(insert->bind(1, std::int64_t(-5)).bind(2, name).run());
    ASSERT_TRUE(insert->bind(1, std::int64_t(7)).bind_null(2).run());
    ASSERT_TRUE(tx->commit());
    EXPECT_EQ(db.changes(), 1);
  }
  auto db = must_open();
  auto all = db.prepare("SELECT id, name, more FROM t ORDER BY id");
  ASSERT_TRUE(*all->step());
  EXPECT_EQ(all->integer(0), -5);
  EXPECT_EQ(all->text(1), std::string("a'b\"; DROP TABLE t; --\0z", 23));
  EXPECT_EQ(all->text(2), "x");
  ASSERT_TRUE(*all->step());
  EXPECT_TRUE(all->is_null(1));
  EXPECT_FALSE(*all->step());
  EXPECT_TRUE(*all->step()) << "a statement can be used again";
}

TEST_F(database_test, rolls_back_what_was_not) {
  auto db = must_open();
  {
    auto tx = transaction::begin(db);
    ASSERT_TRUE(tx);
    ASSERT_TRUE(db.execute("INSERT INTO t (id) VALUES (1)"));
    EXPECT_EQ(rows(db), 1);
  }
  EXPECT_EQ(rows(db), 0);
}

TEST_F(database_test, is_for_its_owner_alone) {
  auto old = ::umask(0);
  auto db = must_open();
  ASSERT_TRUE(db.execute("INSERT INTO t (id) VALUES (1)"));
  ::umask(old);
  for (auto suffix : {"", "-wal", "-shm"}) {
    struct stat s {};
    ASSERT_EQ(::stat((path + suffix).c_str(), &s), 0) << suffix;
    EXPECT_EQ(s.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(database_test, migrates_an_older_schema) {
  {
    auto db = must_open(1);
    ASSERT_TRUE(db.execute("INSERT INTO t (id) VALUES (1)"));
  }
  auto db = must_open(2);
  auto more = db.prepare("SELECT more FROM t");
  ASSERT_TRUE(more);
  ASSERT_TRUE(*more->step());
  EXPECT_EQ(more->text(0), "x");
}

TEST_F(database_test, a_migration_happens_whole_or_not_at_all) {
  (void)must_open(1);
  auto options = version(1);
  options.migrations.push_back("CREATE TABLE u (a); CREATE TABLE t (a)");  // the second one fails
  std::string said;
  EXPECT_FALSE(database::open(path, options, &said));
  EXPECT_NE(said.find("already exists"), said.npos) << said;
  auto db = must_open(1);
  EXPECT_FALSE(db.prepare("SELECT * FROM u"));
}

TEST_F(database_test, refuses_a_later_schema_and_leaves_it) {
  (void)must_open(2);
  auto before = read();
  auto opened = database::open(path, version(1));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), errc::newer_schema);
  EXPECT_EQ(read(), before);
}

TEST_F(database_test, refuses_what_is_not_its_own_and_leaves_it) {
  {
    database_options other;
    other.application_id = 7;
    other.migrations = {"CREATE TABLE theirs (a)"};
    ASSERT_TRUE(database::open(path, other));
  }
  auto before = read();
  EXPECT_EQ(database::open(path, version(2)).error(), errc::foreign);
  EXPECT_EQ(read(), before);
}

TEST_F(database_test, refuses_damage_and_leaves_it) {
  for (std::string text : {std::string(5000, 'x'), std::string("SQLite format 3\0", 16)}) {
    write(text);
    auto opened = database::open(path, version(2));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), errc::corrupt);
    EXPECT_EQ(opened.error(), condition::permanent);
    EXPECT_EQ(read(), text);
  }
}

TEST_F(database_test, says_when_another_holds_it) {
  auto one = must_open();
  auto two = must_open();
  auto tx = transaction::begin(one);
  auto late = transaction::begin(two);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error(), errc::locked);
  EXPECT_EQ(late.error(), condition::retryable);
  ASSERT_TRUE(tx->commit());
  EXPECT_TRUE(transaction::begin(two));
}

TEST_F(database_test, can_be_for_one_alone) {
  auto options = version(2);
  options.exclusive = true;
  {
    auto one = database::open(path, options);
    ASSERT_TRUE(one);
    EXPECT_EQ(database::open(path, options).error(), errc::locked);
    EXPECT_EQ(database::open(path, version(2)).error(), errc::locked);
  }
  EXPECT_TRUE(database::open(path, options)) << "it went with its owner";
}

TEST_F(database_test, says_when_there_is_no_room) {
  auto db = must_open();
  ASSERT_TRUE(db.execute("PRAGMA max_page_count=8"));
  auto insert = db.prepare("INSERT INTO t (name) VALUES (?)");
  auto ran = insert->bind(1, std::string(200'000, 'x')).run();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error(), errc::full);
  EXPECT_EQ(ran.error(), condition::retryable);
  EXPECT_TRUE(insert->bind(1, "small").run()) << "the statement can be used again";
}

TEST_F(database_test, names_other_failures) {
  EXPECT_EQ(database::open("/nowhere/at/all.db", version(2)).error(), errc::cannot_open);
  auto link = path + ".link";
  (void)must_open();
  ASSERT_EQ(::symlink(path.c_str(), link.c_str()), 0);
  EXPECT_EQ(database::open(link, version(2)).error(), errc::cannot_open);
  auto db = must_open();
  EXPECT_EQ(db.prepare("SELEKT 1").error(), errc::misuse);
  EXPECT_EQ(db.prepare("").error(), errc::misuse);
  EXPECT_EQ(db.prepare("SELECT 1; SELECT 2").error(), errc::misuse);
  auto insert = db.prepare("INSERT INTO t (name) VALUES (?)");
  ASSERT_TRUE(insert->bind(1, "a").run());
  EXPECT_EQ(insert->bind(1, "a").run().error(), errc::constraint);
  EXPECT_EQ(insert->bind(9, "a").run().error(), errc::misuse);
  EXPECT_EQ(db.prepare("SELECT nothing FROM t").error(), errc::misuse);
  EXPECT_NE(db.last_message().find("nothing"), std::string::npos);
}

}  // namespace
}  // namespace tidewire::store_sqlite
