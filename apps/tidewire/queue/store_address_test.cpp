#include "queue/store_address.hpp"

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

TEST(store_address, knows_files_and_servers) {
  auto file = parse_store_address("sqlite:/tmp/a b.db");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->what, store_address::kind::sqlite);
  EXPECT_EQ(file->target, "/tmp/a b.db");
  auto server = parse_store_address("postgresql://localhost/x");
  ASSERT_TRUE(server);
  EXPECT_EQ(server->what, store_address::kind::postgres);
  EXPECT_EQ(server->target, "postgresql://localhost/x");
}

TEST(store_address, refuses_the_rest) {
  for (auto text : {"", "queue.db", "sqlite:", "sqlite::memory:", "mysql://x", "postgres:x"})
    EXPECT_FALSE(parse_store_address(text)) << text;
}

TEST(store_address, shows_no_password) {
  auto shown = [](const char* text) { return parse_store_address(text)->shown(); };
  EXPECT_EQ(shown("postgres://ann:secret@db:5432/q?password=secret"), "postgres://db:5432/q");
  EXPECT_EQ(shown("postgres://ann:se@cret@db/q"), "postgres://db/q");
  EXPECT_EQ(shown("postgresql://db"), "postgres://db");
  EXPECT_EQ(shown("sqlite:a\x1b.db"), "a\\x1b.db");
}

}  // namespace
}  // namespace tidewire::cli
