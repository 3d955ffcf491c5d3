#include <tidewire/core/error.hpp>
#include <tidewire/store_postgres/migration.hpp>

#include <cluster.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace tidewire::store_postgres {
namespace {

using test::postgres_cluster;

schema_part up_to(std::size_t version) {
  schema_part out;
  out.name = "things";
  out.migrations = {"CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
                    "ALTER TABLE t ADD COLUMN more text NOT NULL DEFAULT 'x'"};
  out.migrations.resize(version);
  return out;
}

struct migration_test : testing::Test {
  postgres_cluster& server = postgres_cluster::shared();
  std::string database = server.make_database();

  connection open() {
    connection_options o;
    o.address = server.url(database);
    o.schema = "tidewire";
    auto c = connection::open(o);
    if (!c) throw std::runtime_error(c.error().message());
    return std::move(*c);
  }
};

TEST_F(migration_test, each_step_is_made_once) {
  auto c = open();
  EXPECT_EQ(*version_of(c, up_to(1)), 0u);
  ASSERT_TRUE(migrate(c, up_to(1))) << c.last_message();
  ASSERT_TRUE(migrate(c, up_to(1)));
  EXPECT_EQ(*version_of(c, up_to(1)), 1u);
  ASSERT_TRUE(migrate(c, up_to(2)));
  EXPECT_EQ(c.query("SELECT more FROM tidewire.t")->text(0, 0), "x");
  EXPECT_EQ(c.query("SELECT more FROM t")->size(), 1u)
      << "the schema is where names are looked for";
  schema_part other = up_to(1);
  other.name = "others";
  other.migrations = {"CREATE TABLE u (id int)"};
  ASSERT_TRUE(migrate(c, other)) << "parts have versions of their own";
  EXPECT_EQ(*version_of(c, up_to(2)), 2u);
}

TEST_F(migration_test, a_later_version_is_left_as_it_is) {
  auto c = open();
  ASSERT_TRUE(migrate(c, up_to(2)));
  auto done = migrate(c, up_to(1));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), errc::newer_schema);
  EXPECT_EQ(*version_of(c, up_to(1)), 2u);
}

TEST_F(migration_test, a_step_that_fails_leaves_nothing) {
  auto c = open();
  auto bad = up_to(1);
  bad.migrations.push_back("CREATE TABLE half (id int); SELEKT");
  EXPECT_EQ(migrate(c, bad).error(), errc::misuse);
  EXPECT_NE(c.last_message().find("SELEKT"), std::string::npos) << c.last_message();
  EXPECT_EQ(*version_of(c, bad), 0u);
  EXPECT_FALSE(c.query("SELECT 1 FROM t"));
  EXPECT_TRUE(migrate(c, up_to(2)));
}

TEST_F(migration_test, many_that_begin_at_once_make_one) {
  std::atomic<int> good = 0;
  std::vector<std::thread> all;
  for (int i = 0; i < 8; ++i)
    all.emplace_back([&] {
      auto c = open();
      auto done = migrate(c, up_to(2));
      EXPECT_TRUE(done) << c.last_message();
      if (done) ++good;
    });
  for (auto& t : all) t.join();
  EXPECT_EQ(good, 8);
  auto c = open();
  EXPECT_EQ(c.query("SELECT count(*) FROM t")->integer(0, 0), 1);
}

TEST_F(migration_test, who_may_not_create_may_use) {
  auto c = open();
  ASSERT_TRUE(migrate(c, up_to(2)));
  ASSERT_TRUE(
      c.execute("GRANT USAGE ON SCHEMA tidewire TO guarded;"
                "GRANT SELECT ON ALL TABLES IN SCHEMA tidewire TO guarded"));
  connection_options o;
  o.address = server.url_with_password(postgres_cluster::password, database);
  o.schema = "tidewire";
  auto guarded = connection::open(o);
  ASSERT_TRUE(guarded);
  EXPECT_TRUE(migrate(*guarded, up_to(2)));
  EXPECT_EQ(migrate(*guarded,
                    [] {
                      auto out = up_to(2);
                      out.migrations.push_back("CREATE TABLE v (id int)");
                      return out;
                    }())
                .error(),
            errc::refused);
}

}  // namespace
}  // namespace tidewire::store_postgres
